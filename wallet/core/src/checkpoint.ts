/** An entry of the audit log that its signer vouches for, and with it for all entries before. */
export type Checkpoint = { seq: number; hash: string; at: number }

/** `count`: how many checkpoints there were, this one included. Signature (ed25519) and public key in hex. */
export type SignedCheckpoint = Checkpoint & { count: number; publicKey: string; signature: string }

/** What the signature of a checkpoint is made over. */
export function checkpointText({ seq, hash, count, at }: Checkpoint & { count: number }): string {
  return `waiaas audit checkpoint 1\n${seq}\n${hash}\n${count}\n${at}\n`
}
