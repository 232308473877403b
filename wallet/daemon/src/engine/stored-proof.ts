import type { Proof } from '../chains/chain-adapter.ts'

/** A proof as a row holds it. */
export function proofText({ kind, block, node }: Proof): string {
  return JSON.stringify({ kind, node, block: { number: block.number.toString(), hash: block.hash } })
}

export function readProof(text: string): Proof {
  const { block, ...rest } = JSON.parse(text) as Omit<Proof, 'block'> & { block: { number: string; hash: string } }
  return { ...rest, block: { number: BigInt(block.number), hash: block.hash } }
}
