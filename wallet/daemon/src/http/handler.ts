import type { Route, RouteName, Routes } from '@waiaas/core'
import type { z } from 'zod'
import type { Identity, OwnerIdentity } from './auth/identity.ts'

/** What the pipeline hands to a route's handler: parsed, authenticated, nothing raw. */
export type Call<R extends Route> = {
  params: Parsed<R, 'params'>
  query: Parsed<R, 'query'>
  body: Parsed<R, 'body'>
  identity: IdentityOf<R>
  /** The owner's proof beside the caller's own, where the request carries one. */
  owner: R extends { alsoOwner: true } ? OwnerIdentity | undefined : undefined
  idempotencyKey: R extends { idempotent: true } ? string : undefined
  /** Seconds of `Prefer: wait=N`; 0 without the header, and on routes that do not wait. */
  wait: number
  /** Address of the peer. */
  source: string
  /** Whose share of limits the request takes from. */
  share: string
  /** Host and port that the caller used. */
  host: string
}

/** One of the answers that the route declares. */
export type Answer<R extends Route> = R extends { stream: true }
  ? { status: 200; stream: Feed<z.input<R['responses'][200]['schema']>> }
  : { [Status in keyof R['responses'] & number]: { status: Status; body: BodyOf<R, Status> } }[keyof R['responses'] &
      number]

/** Values with their resumption ids, until the signal aborts. */
export type Feed<Value> = (
  signal: AbortSignal,
  lastId: number | undefined,
) => AsyncIterable<{ id: number; value: Value }>

export type Handler<R extends Route> = (call: Call<R>) => Promise<Answer<R>>

/** One handler per route of the table: a missing one, or one that answers another shape, does not compile. */
export type Handlers = { [Name in RouteName]: Handler<Routes[Name]> }

type Parsed<R extends Route, Part extends 'params' | 'query' | 'body'> = R[Part] extends z.ZodType
  ? z.output<R[Part]>
  : undefined

type BodyOf<R extends Route, Status extends keyof R['responses']> = R['responses'][Status] extends {
  schema: infer Schema extends z.ZodType
}
  ? z.input<Schema>
  : never

type IdentityOf<R extends Route> = R['authentication'] extends readonly (infer Kind)[]
  ? Extract<Identity, { kind: Kind }>
  : Extract<Identity, { kind: 'public' }>
