const none = { tokens: 0, usd: 0 }

/** No limit of tokens or money. */
export const withoutBudget = { turn: none, session: none, day: none }
