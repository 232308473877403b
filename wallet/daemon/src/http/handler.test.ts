import type { Route } from '@waiaas/core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Answer, Call, Handler, Handlers } from './handler.ts'

/**
 * What must not compile. `tsc` checks this file: an `@ts-expect-error` without an error below it is one.
 */
const route = {
  method: 'get',
  path: '/x/:id',
  authentication: ['session'],
  tag: 'system',
  summary: 'x',
  params: z.object({ id: z.uuid() }),
  responses: { 200: { description: 'x', schema: z.object({ name: z.string() }) } },
  errors: [],
} as const satisfies Route

// @ts-expect-error a route without authentication
const open: Route = { method: 'get', path: '/x', tag: 'system', summary: 'x', responses: {}, errors: [] }

// @ts-expect-error an empty list of credentials would be nobody's and everybody's
const nobody: Route = { ...route, authentication: [] }

// @ts-expect-error a credential that does not exist
const unknown: Route = { ...route, authentication: ['guest'] }

// @ts-expect-error a path is absolute
const relative: Route = { ...route, path: 'x' }

// @ts-expect-error an answer of another shape
const wrongShape: Answer<typeof route> = { status: 200, body: { title: 'x' } }

// @ts-expect-error an answer with a status that is not declared
const wrongStatus: Answer<typeof route> = { status: 201, body: { name: 'x' } }

// @ts-expect-error a handler for a session sees no operator
const wrongCaller: Handler<typeof route> = async ({ identity }) => ({ status: 200, body: { name: identity.tokenHash } })

// @ts-expect-error a route whose handler is missing
const missing: Handlers = {}

test('a handler gets what its route declares', () => {
  const call = { params: { id: 'x' }, body: undefined, idempotencyKey: undefined } satisfies Partial<Call<typeof route>>
  expect(call.params.id).toBe('x')
  expect([open, nobody, unknown, relative, wrongShape, wrongStatus, wrongCaller, missing]).toHaveLength(8)
})
