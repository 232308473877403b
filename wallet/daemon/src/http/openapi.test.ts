import { createConfig, lintFromString } from '@redocly/openapi-core'
import { type ErrorCode, errorSpec, type Route, routes } from '@waiaas/core'
import { expect, test } from 'vitest'
import { errorsOf, openApiDocument } from './openapi.ts'

const document = openApiDocument('1.2.3') as {
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, { description: string }> }>>
  components: { schemas: Record<string, { properties?: { code?: { enum?: string[] } } }> }
}

test('the document is valid and without complaint of the linter', async () => {
  const config = await createConfig({ extends: ['recommended'] })
  const problems = await lintFromString({ source: JSON.stringify(document), config })
  expect(problems.map(({ ruleId, message, location }) => ({ ruleId, message, at: location[0]?.pointer }))).toEqual([])
})

test('every route is in it once, with every code that it can answer with', () => {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
  expect(operations.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(routes).sort())
  for (const operation of operations) {
    const route: Route = routes[operation.operationId as keyof typeof routes]
    for (const code of errorsOf(route)) {
      expect(operation.responses[String(errorSpec(code).status)]?.description.split(', ')).toContain(code)
    }
  }
})

test('the error schema lists every code', () => {
  const codes = document.components.schemas.Error?.properties?.code?.enum ?? []
  const known: readonly ErrorCode[] = ['INVALID_TOKEN', 'POLICY_DENIED', 'INTERNAL_ERROR']
  expect(codes).toEqual(expect.arrayContaining([...known]))
  for (const code of codes) expect(errorSpec(code as ErrorCode).status).toBeGreaterThanOrEqual(400)
})

test('no reference leads nowhere', () => {
  const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1]!)
  expect(names.length).toBeGreaterThan(20)
  for (const name of names) expect(document.components.schemas).toHaveProperty(name)
})
