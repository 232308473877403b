import type { BrowserContext, Page } from 'playwright-core'
import type { DemoStack } from './stack.ts'

/** Called with each thing worth a look. */
export type Look = (what: 'chat' | 'card' | 'signing-page' | 'approved', page: Page) => Promise<void>

/**
 * The owner's way through the product in a browser: opens the link, pays a little, pays a lot, opens the signing
 * page from the card, approves there, and sees it confirmed in the chat. Throws where something does not appear.
 */
export async function playInBrowser(stack: DemoStack, context: BrowserContext, look: Look): Promise<void> {
  const chain = stack.chains[0]!
  const friend = chain.newAddress()
  const page = await context.newPage()
  await page.goto(await stack.gateway.newLink())
  await say(page, `/wallet send ${chain.small} ${chain.symbol} to ${friend}`)
  await page.getByText('Done: confirmed').last().waitFor()
  await look('chat', page)
  await say(page, `/wallet send ${chain.large} ${chain.symbol} to ${friend}`)
  const link = page.getByRole('link', { name: /review and sign/i }).last()
  await link.waitFor()
  await link.scrollIntoViewIfNeeded()
  await look('card', page)
  const opened = context.waitForEvent('page')
  await link.click()
  const signing = await opened
  await signing.getByRole('button', { name: /approve/i }).waitFor()
  await look('signing-page', signing)
  await signing.getByRole('button', { name: /approve/i }).click()
  await signing.getByRole('heading', { name: /paid/i }).waitFor()
  await look('approved', signing)
  await signing.close()
  await page
    .getByText(/confirmed/i)
    .last()
    .waitFor()
}

async function say(page: Page, text: string): Promise<void> {
  const composer = page.getByRole('textbox', { name: 'Message' })
  await composer.fill(text)
  await composer.press('Enter')
}
