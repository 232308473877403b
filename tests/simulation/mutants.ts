/** One deliberate fault of the daemon. The simulation has to find it. */
export type Mutant = {
  readonly name: string
  /** Below `wallet/daemon/src`. */
  readonly file: string
  /** Occurs once in the file. */
  readonly text: string
  readonly replacement: string
  /** Seeds of this kind show it; of any kind where it is absent. */
  readonly only?: 'evm' | 'solana'
}

export const mutants: readonly Mutant[] = [
  {
    name: 'a refusal frees the number (A1, A2)',
    file: 'engine/execute.ts',
    text: 'if (!left && !context.lock.mayLeave(row.agent_id, spends)) {',
    replacement: "if (answer.kind !== 'accepted') {",
  },
  {
    name: 'a status that is missing is death (A4, B1)',
    file: 'chains/solana/outcomes.ts',
    text: 'const first = { node, searched: asked.value }',
    replacement:
      "const first: SearchedOn = { node, searched: { kind: 'none', last: { number: finalized.slot, hash: '' } } }",
    only: 'solana',
  },
  {
    name: 'only the newest version is known (A3)',
    file: 'engine/follow.ts',
    text: 'versions: versions.map(sentAttempt),',
    replacement: 'versions: versions.slice(-1).map(sentAttempt),',
    only: 'evm',
  },
  {
    name: 'the kill switch is asked before the await (G6)',
    file: 'engine/broadcast.ts',
    text: 'const mayLeave = () => {\n    const may = context.lock.mayLeave(sender.agent_id, spends)',
    replacement: 'const may = context.lock.mayLeave(sender.agent_id, spends)\n  const mayLeave = () => {',
  },
  {
    name: 'the kill switch acts once it is stored',
    file: 'engine/kill-switch.ts',
    text: 'lock.set(true)\n    activations += 1\n    unstored += 1\n    try {\n      await halt()\n      const { view, cancelled } = await write((transaction) => storeActivation(context, transaction, actor, why))\n',
    replacement:
      'activations += 1\n    unstored += 1\n    try {\n      const { view, cancelled } = await write((transaction) => storeActivation(context, transaction, actor, why))\n      lock.set(true)\n      await halt()\n',
  },
  {
    name: 'the kill switch is off after a start',
    file: 'engine/create-engine.ts',
    text: 'await killSwitch.restore()\n',
    replacement: '',
  },
  {
    name: 'a suspended agent still sends',
    file: 'engine/lock.ts',
    text: '!locked && !(spends && agents.has(agentId))',
    replacement: '!locked',
  },
  {
    name: 'a suspension is forgotten at a start',
    file: 'engine/create-engine.ts',
    text: 'createLock(await stoppedAgents(parts.db))',
    replacement: 'createLock([])',
  },
  {
    name: 'bytes that left are taken back',
    file: 'engine/broadcast.ts',
    text: 'left ||= may',
    replacement: 'void may',
  },
  {
    name: 'cancelled is said before finality',
    file: 'engine/book.ts',
    text: 'if (ends) return final ? await',
    replacement: 'if (ends) return final || result ? await',
    only: 'evm',
  },
  {
    name: 'what others used is called proven at once (C)',
    file: 'chains/evm/outcomes.ts',
    text: 'const consumption = await proveConsumed(node, line, head, place)',
    replacement:
      "const consumption = { kind: 'others' as const, proof: { kind: 'count' as const, block: { number: head.number, hash: head.hash }, node: '' } } as Awaited<ReturnType<typeof proveConsumed>>",
    only: 'evm',
  },
  {
    name: 'a receipt that is missing is death (B2)',
    file: 'chains/evm/outcomes.ts',
    text: 'const consumption = await proveConsumed(node, line, head, place)',
    replacement:
      "const { blockListing } = await import('./consumed.ts')\n  const hit = await blockListing(node, place.versions.at(-1)!.hash)\n  const consumption: Awaited<ReturnType<typeof proveConsumed>> = hit ? { kind: 'ours', hash: place.versions.at(-1)!.hash, block: hit } : { kind: 'others', proof: { kind: 'lists', block: { number: head.number, hash: head.hash }, node: '' } }",
    only: 'evm',
  },
  {
    name: 'a proof counts before its block is final',
    file: 'chains/evm/outcomes.ts',
    text: 'if (!isFinal(line, final, proof.block)) return { ...base, final: false }',
    replacement: '',
    only: 'evm',
  },
  {
    name: 'a block is final once it is seen',
    file: 'chains/evm/outcomes.ts',
    text: 'final: isFinal(line, final, block),',
    replacement: 'final: true,',
    only: 'evm',
  },
  {
    name: 'the search ends above the origin',
    file: 'chains/evm/consumed.ts',
    text: 'if (isSearched && isBelow && !isUsedBelow)',
    replacement: 'if (isSearched && origin !== undefined)',
    only: 'evm',
  },
  {
    name: 'a closer has another nonce',
    file: 'chains/evm/replacement.ts',
    text: 'context.network, newest.nonce, fees)',
    replacement: "context.network, by === 'nothing' ? newest.nonce + 1n : newest.nonce, fees)",
    only: 'evm',
  },
  {
    name: 'a closer pays',
    file: 'chains/evm/replacement.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the source has it
    text: "const to = by === 'itself' ? newest.to : (from as `0x${string}`)\n  const [value, data] = by === 'itself' ?",
    replacement: 'const to = newest.to\n  const [value, data] = by !== undefined ?',
    only: 'evm',
  },
  {
    name: 'a cancel frees the reservation',
    file: 'engine/by-hand.ts',
    text: "await startClosing(context, db, current, 'cancel', actor)\n",
    replacement: "await startClosing(context, db, current, 'cancel', actor)\n    await release(db, row.id)\n",
  },
  {
    name: 'what was given up is signed again',
    file: 'engine/book.ts',
    text: 'if (row.closing !== null) return await closed(context, db, row, { fee: 0n, message })\n',
    replacement: '',
  },
  {
    name: 'the other versions are dead as soon as one is in a block',
    file: 'engine/book.ts',
    text: 'if (isOver) await bury(context, db, other)',
    replacement: 'if (isOver || result !== undefined) await bury(context, db, other)',
    only: 'evm',
  },
  {
    name: 'confirmed is never taken back (G13)',
    file: 'engine/book.ts',
    text: 'if (!isItsPlace || isStill || isWrittenOff(row)) return row',
    replacement: 'if (isItsPlace || isStill || isWrittenOff(row)) return row',
  },
  {
    name: 'the fee of a block that is gone stays where the new one has no receipt at first',
    file: 'engine/book.ts',
    text: 'const isItsPlace = versions.some(({ hash }) => hash === row.hash)',
    replacement: "const isItsPlace = versions.some(({ hash, state }) => hash === row.hash && state !== 'LIVE')",
  },
  {
    name: 'the fee of the first block stays',
    file: 'engine/book.ts',
    text: 'result === undefined || (result.succeeded && result.fee.toString() === fee)',
    replacement: 'result === undefined || fee !== undefined',
    only: 'evm',
  },
  {
    name: 'no fee is booked',
    file: 'engine/book.ts',
    text: 'await commit(db, row.id, { fee, spent: true, at: now })',
    replacement: 'await commit(db, row.id, { fee: 0n, spent: true, at: now })',
  },
  {
    name: 'no fee of a closer is booked',
    file: 'engine/book.ts',
    text: 'await commit(db, row.id, { fee, spent: false, at: context.now() })\n  const closing',
    replacement: 'await commit(db, row.id, { fee: 0n, spent: false, at: context.now() })\n  const closing',
    only: 'evm',
  },
  {
    name: 'a signature that is made again is reserved twice',
    file: 'engine/hold.ts',
    text: "'SIMULATION_FAILED', message)\n    }\n    await release(db, row.id)\n    const asked = askedBy(row, isApproved)",
    replacement: "'SIMULATION_FAILED', message)\n    }\n    const asked = askedBy(row, isApproved)",
  },
  {
    name: 'a key stands for nothing',
    file: 'engine/accept.ts',
    text: 'if (known === undefined) {',
    replacement: 'if (known !== null) {',
  },
  {
    name: 'a receipt of another block is taken',
    file: 'chains/evm/receipts.ts',
    text: '&& receipt.blockHash.toLowerCase() === block.hash',
    replacement: '',
    only: 'evm',
  },
  {
    name: 'blocks that are not final are proof',
    file: 'chains/solana/known-blocks.ts',
    text: "export const FINALIZED = { commitment: 'finalized' }",
    replacement: "export const FINALIZED = { commitment: 'confirmed' }",
    only: 'solana',
  },
  {
    name: 'the blocks for which a blockhash is valid are not counted',
    file: 'chains/solana/history.ts',
    text: 'const wanted = Number(oldestAge(validUntil, header.blockHeight)) + 1',
    replacement: 'const wanted = 1',
    only: 'solana',
  },
  {
    name: 'blocks need not be linked',
    file: 'chains/solana/history.ts',
    text: 'if (previous !== undefined && previousBlockhash !== previous.blockhash) {',
    replacement: 'if (previous !== undefined && previousBlockhash === previous.blockhash && slot < previous.slot) {',
    only: 'solana',
  },
  {
    name: 'the history is searched from the end alone',
    file: 'chains/solana/history.ts',
    text: 'const found = slots.find(',
    replacement: 'const found = slots.slice(-5).find(',
    only: 'solana',
  },
  {
    name: 'confirmed is final',
    file: 'chains/solana/outcomes.ts',
    text: "final: status.confirmationStatus === 'finalized' }",
    replacement: 'final: true }',
    only: 'solana',
  },
]
