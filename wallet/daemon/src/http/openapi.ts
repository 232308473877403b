import { ErrorBody, type ErrorCode, errorSpec, type Route, routes } from '@waiaas/core'
import { z } from 'zod'

type Schema = { [key: string]: unknown }

/** Codes that the pipeline can answer with on any route. */
const anyRoute: readonly ErrorCode[] = ['FORBIDDEN_ORIGIN', 'RATE_LIMIT_EXCEEDED', 'SHUTTING_DOWN', 'INTERNAL_ERROR']
const withBody: readonly ErrorCode[] = ['VALIDATION_FAILED', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE']
const byCredential: Readonly<Record<string, readonly ErrorCode[]>> = {
  master: ['INVALID_TOKEN', 'TOKEN_EXPIRED', 'INVALID_MASTER_PASSWORD', 'MASTER_PASSWORD_LOCKED'],
  session: ['INVALID_TOKEN', 'TOKEN_EXPIRED', 'SESSION_EXPIRED', 'SESSION_REVOKED'],
  owner: ['INVALID_SIGNATURE', 'INVALID_NONCE'],
}

const securitySchemes: Readonly<Record<string, Schema>> = {
  masterToken: { type: 'http', scheme: 'bearer', description: 'wai_admin_… from POST /v1/admin/login' },
  masterPassword: { type: 'apiKey', in: 'header', name: 'X-Master-Password', description: 'For scripts' },
  sessionToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'wai_sess_… of an agent' },
  ownerAddress: { type: 'apiKey', in: 'header', name: 'X-Owner-Address', description: 'Address of the owner' },
  ownerMessage: { type: 'apiKey', in: 'header', name: 'X-Owner-Message', description: 'The message, base64url' },
  ownerSignature: { type: 'apiKey', in: 'header', name: 'X-Owner-Signature', description: 'Its signature' },
}

const security: Readonly<Record<string, readonly Record<string, string[]>[]>> = {
  master: [{ masterToken: [] }, { masterPassword: [] }],
  session: [{ sessionToken: [] }],
  owner: [{ ownerAddress: [], ownerMessage: [], ownerSignature: [] }],
}

const tags: Readonly<Record<Route['tag'], string>> = {
  system: 'The daemon itself',
  agents: 'Agents and their wallets',
  sessions: 'Tokens for agent programs',
  policies: 'What agents may spend',
  wallet: 'What an agent sees of its wallet',
  transactions: 'Payments',
  owner: "The owner's answers",
  admin: "The operator's desk",
}

/** The route table as an OpenAPI 3.1 document. Nothing in it is written by hand twice. */
export function openApiDocument(version: string): Record<string, unknown> {
  const components: Record<string, Schema> = {}
  const paths: Record<string, Record<string, Schema>> = {}
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method]: operation(name, route, components) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'WAIaaS',
      version,
      summary: 'A wallet daemon that lets an agent spend what its owner allows',
      license: { name: 'MIT OR Apache-2.0', identifier: 'MIT OR Apache-2.0' },
    },
    servers: [{ url: '/', description: 'This daemon' }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas: components, securitySchemes },
  }
}

function operation(name: string, route: Route, components: Record<string, Schema>): Schema {
  const credentials = route.authentication === 'public' ? [] : route.authentication
  return {
    operationId: name,
    tags: [route.tag],
    summary: route.summary,
    security: credentials.flatMap((credential) => security[credential]!),
    ...parameters(route, components),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(route.body, 'input', components) } },
          },
        }),
    responses: { ...successes(route, components), ...failures(route, components) },
  }
}

function parameters(route: Route, components: Record<string, Schema>): { parameters?: Schema[] } {
  const fromObject = (place: 'path' | 'query', object: z.ZodObject | undefined) => {
    if (object === undefined) return []
    const schema = schemaOf(object, 'input', components) as { properties?: Record<string, Schema>; required?: string[] }
    return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
      name,
      in: place,
      required: place === 'path' || schema.required?.includes(name) === true,
      schema: property,
    }))
  }
  const header = (name: string, required: boolean, description: string, schema: Schema) => ({
    name,
    in: 'header',
    required,
    description,
    schema,
  })
  const list: Schema[] = [...fromObject('path', route.params), ...fromObject('query', route.query)]
  if (route.idempotent === true) {
    const description = 'A new random value per payment, the same over retries; bare or as a quoted string'
    list.push(header('Idempotency-Key', true, description, { type: 'string', minLength: 1, maxLength: 128 }))
  }
  if (route.waits === true) {
    const description = 'wait=N: answer when the result is final, or after N seconds (at most 60)'
    list.push(header('Prefer', false, description, { type: 'string', examples: ['wait=30'] }))
  }
  if (route.stream === true) {
    const description = 'Continue after this event'
    list.push(header('Last-Event-ID', false, description, { type: 'integer', minimum: 0 }))
  }
  return list.length === 0 ? {} : { parameters: list }
}

function successes(route: Route, components: Record<string, Schema>): Record<string, Schema> {
  const type = route.stream === true ? 'text/event-stream' : 'application/json'
  return Object.fromEntries(
    Object.entries(route.responses).map(([status, { description, schema }]) => [
      status,
      { description, content: { [type]: { schema: schemaOf(schema, 'output', components) } } },
    ]),
  )
}

function failures(route: Route, components: Record<string, Schema>): Record<string, Schema> {
  const schema = schemaOf(ErrorBody, 'output', components)
  const byStatus = Map.groupBy(errorsOf(route), (code) => errorSpec(code).status)
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      { description: codes.join(', '), content: { 'application/json': { schema } } },
    ]),
  )
}

/** Every code that a route can answer with: its own and those of the pipeline in front of it. */
export function errorsOf(route: Route): ErrorCode[] {
  const parsed = route.params !== undefined || route.query !== undefined || route.idempotent === true
  const credentials = route.authentication === 'public' ? [] : route.authentication
  return [
    ...new Set<ErrorCode>([
      ...route.errors,
      ...credentials.flatMap((credential) => byCredential[credential]!),
      ...(parsed ? (['VALIDATION_FAILED'] as const) : []),
      ...(route.body === undefined ? [] : withBody),
      ...(route.whileLocked === true ? [] : (['SYSTEM_LOCKED'] as const)),
      ...anyRoute,
    ]),
  ]
}

/** JSON Schema of a zod schema; everything with an id becomes a component. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', components: Record<string, Schema>): Schema {
  const {
    $schema: _,
    $defs,
    ...rest
  } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'throw',
    override: looseUnion,
  }) as Schema
  for (const [id, definition] of Object.entries(($defs ?? {}) as Record<string, Schema>)) {
    components[id] = moveRefs(definition) as Schema
  }
  const moved = moveRefs(rest) as Schema
  if (typeof moved.id !== 'string') return moved
  components[moved.id] = moved
  return { $ref: `#/components/schemas/${moved.id}` }
}

/** Where a union's tag may be left out, the tag does not make its members exclusive to a reader of JSON Schema. */
function looseUnion({ zodSchema, jsonSchema }: Parameters<Override>[0]): void {
  if (!(zodSchema instanceof z.ZodDiscriminatedUnion) || jsonSchema.oneOf === undefined) return
  const { discriminator, options } = zodSchema.def
  const isLoose = options.some((option) => option._zod.propValues?.[discriminator]?.has(undefined))
  if (!isLoose) return
  jsonSchema.anyOf = jsonSchema.oneOf
  delete jsonSchema.oneOf
}
type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>

function moveRefs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moveRefs)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string'
        ? inner.replace('#/$defs/', '#/components/schemas/')
        : moveRefs(inner),
    ]),
  )
}
