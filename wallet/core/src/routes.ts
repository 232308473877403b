import type { Route } from './route.ts'
import { assetRoutes } from './routes/asset-routes.ts'
import { byHandRoutes } from './routes/by-hand-routes.ts'
import { judgementRoutes } from './routes/judgement-routes.ts'
import { operatorRoutes } from './routes/operator-routes.ts'
import { paymentRoutes } from './routes/payment-routes.ts'
import { systemRoutes } from './routes/system-routes.ts'

/** Every endpoint of the daemon. HTTP, OpenAPI, clients and MCP tools are derived from this table. */
export const routes = {
  ...systemRoutes,
  ...operatorRoutes,
  ...assetRoutes,
  ...paymentRoutes,
  ...byHandRoutes,
  ...judgementRoutes,
} as const satisfies Record<string, Route>

export type Routes = typeof routes
export type RouteName = keyof Routes
