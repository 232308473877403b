import type { Card } from 'openpista/protocol'
import type { DemoChain } from './chains.ts'
import type { ChatClient } from './chat-client.ts'
import { connectChat } from './chat-client.ts'
import type { DemoStack } from './stack.ts'

/** One thing the tour did: what was asked, what came of it, and whether that is what must come of it. */
export type TourStep = { what: string; result: string; hash?: string; ok: boolean }

/**
 * Plays the main job through the chat, as an owner would, and checks every result on the chain itself.
 *
 * @param show is called as each step ends.
 */
export async function playTour(stack: DemoStack, show: (step: TourStep) => void): Promise<TourStep[]> {
  const chat = await connectChat(stack.gateway.url, stack.gateway.token, 'tour')
  const steps: TourStep[] = []
  const add = (step: TourStep) => {
    steps.push(step)
    show(step)
  }
  try {
    for (const chain of stack.chains) {
      const small = await smallPayment(chat, chain)
      add(small)
      add(await approvedPayment(chat, chain, stack, small.hash))
      add(await refusedPayment(chat, chain))
    }
    add(await command(chat))
    return steps
  } finally {
    chat.close()
  }
}

/** Below the instant limit: paid at once. */
async function smallPayment(chat: ChatClient, chain: DemoChain): Promise<TourStep> {
  const friend = chain.newAddress()
  const answer = await chat.say(`/wallet send ${chain.small} ${chain.symbol} to ${friend}`)
  const hash = chain.hashIn(answer)
  const arrived = await chain.arrived(friend)
  return {
    what: `send ${chain.small} ${chain.symbol}: below the instant limit`,
    result: `paid at once, ${arrived} ${chain.symbol} arrived`,
    ...(hash === undefined ? {} : { hash }),
    ok: hash !== undefined && arrived === chain.small && (await chain.confirmed(hash)),
  }
}

/** Above what may go without the owner: waits as a card until the owner signs. The notice of `earlier` may still come. */
async function approvedPayment(
  chat: ChatClient,
  chain: DemoChain,
  stack: DemoStack,
  earlier: string | undefined,
): Promise<TourStep> {
  const friend = chain.newAddress()
  const since = chat.frames.length
  await chat.say(`/wallet send ${chain.large} ${chain.symbol} to ${friend}`)
  const { card } = await chat.until('approval.requested', since, (frame) => frame.card.kind === 'payment')
  const before = await chain.arrived(friend)
  await stack.approve(transactionOf(card))
  const resolved = await chat.until('approval.resolved', since, (frame) => frame.cardId === card.id)
  const isNew = (hash: string | undefined) => hash !== undefined && hash !== earlier
  const notice = await chat.until('notice', since, (frame) => isNew(chain.hashIn(frame.text)))
  const hash = chain.hashIn(notice.text)!
  const arrived = await chain.arrived(friend)
  return {
    what: `send ${chain.large} ${chain.symbol}: above the approval limit`,
    result: `waited as card ${card.shortCode ?? card.id}, ${resolved.outcome} by ${resolved.by}, ${arrived} ${chain.symbol} arrived`,
    hash,
    ok: before === '0' && arrived === chain.large && (await chain.confirmed(hash)),
  }
}

/** Above the hard limit: refused, with the reason in words. */
async function refusedPayment(chat: ChatClient, chain: DemoChain): Promise<TourStep> {
  const friend = chain.newAddress()
  const answer = await chat.say(`/wallet send ${chain.tooLarge} ${chain.symbol} to ${friend}`)
  const arrived = await chain.arrived(friend)
  return {
    what: `send ${chain.tooLarge} ${chain.symbol}: above the hard limit`,
    result: answer.trim().split('\n')[0] ?? '',
    ok: arrived === '0' && chain.hashIn(answer) === undefined && /limit/i.test(answer),
  }
}

/** A program on the machine: asks first, then runs. */
async function command(chat: ChatClient): Promise<TourStep> {
  const since = chat.frames.length
  chat.post('/run uname -a')
  const { card } = await chat.until('approval.requested', since, (frame) => frame.card.kind === 'tool')
  chat.answer(card, 'approve')
  const finished = await chat.until('tool.finished', since)
  const line = finished.output.split('\n').find((text) => /linux|darwin/i.test(text)) ?? finished.output
  await chat.until('turn.finished', since)
  return {
    what: '/run uname -a',
    result: `asked first, then ran: ${line.trim()}`,
    ok: !finished.isError && /linux|darwin/i.test(finished.output),
  }
}

/** The signing page's address ends with the transaction's id. */
function transactionOf(card: Card): string {
  const url = card.buttons.find((button) => button.url !== undefined)?.url
  const id = url === undefined ? undefined : new URL(url).pathname.split('/').at(-1)
  if (id === undefined || id === '') throw new Error(`the card ${card.id} has no signing page`)
  return id
}
