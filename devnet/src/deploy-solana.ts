import {
  type Address,
  appendTransactionMessageInstructions,
  assertIsTransactionWithBlockhashLifetime,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  createTransactionMessage,
  generateKeyPairSigner,
  type Instruction,
  type KeyPairSigner,
  pipe,
  sendAndConfirmTransactionFactory,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from '@solana/kit'
import { getCreateAccountInstruction } from '@solana-program/system'
import { TOKEN_PROGRAM_ADDRESS } from '@solana-program/token'
import {
  type ExtensionArgs,
  findAssociatedTokenPda,
  getCreateAssociatedTokenIdempotentInstruction,
  getInitializeMint2Instruction,
  getInitializeTransferFeeConfigInstruction,
  getMintSize,
  getMintToInstruction,
  TOKEN_2022_PROGRAM_ADDRESS,
} from '@solana-program/token-2022'
import type { Control } from './control.ts'

export type MintOptions = {
  readonly rpcUrl: string
  readonly wsUrl: string
  readonly control: Control
  readonly decimals: number
}

export type TransferFeeMintOptions = MintOptions & {
  /** Hundredths of a percent of each transfer that are withheld. */
  readonly feeBasisPoints: number
  /** The most that one transfer pays, in the token's smallest unit. */
  readonly maximumFee: bigint
}

export type SolanaMint = {
  readonly address: Address
  readonly program: Address
  /** May mint, freeze, set the fee and withdraw what was withheld; also pays for `mintTo`. */
  readonly authority: KeyPairSigner
  /** Mints to the associated token account of `owner`, which is created when missing; gives its address. */
  mintTo(owner: Address, amount: bigint): Promise<Address>
  /** Sends instructions that the authority pays for, and signers among their accounts sign. */
  send(instructions: readonly Instruction[]): Promise<void>
}

/** Makes a mint of the SPL Token program. Needs a chain that makes blocks. */
export function createSplMint(options: MintOptions): Promise<SolanaMint> {
  return createMint(options, TOKEN_PROGRAM_ADDRESS, () => ({ extensions: [], setUp: () => [] }))
}

/** Makes a Token-2022 mint that withholds a fee from every transfer. Needs a chain that makes blocks. */
export function createTransferFeeMint(options: TransferFeeMintOptions): Promise<SolanaMint> {
  const { feeBasisPoints, maximumFee } = options
  return createMint(options, TOKEN_2022_PROGRAM_ADDRESS, (authority) => {
    const fee = { epoch: 0n, maximumFee, transferFeeBasisPoints: feeBasisPoints }
    const authorities = { transferFeeConfigAuthority: authority, withdrawWithheldAuthority: authority }
    const setUp = (mint: Address) => [
      getInitializeTransferFeeConfigInstruction({
        mint,
        ...authorities,
        transferFeeBasisPoints: feeBasisPoints,
        maximumFee,
      }),
    ]
    const state = { withheldAmount: 0n, olderTransferFee: fee, newerTransferFee: fee }
    return { extensions: [{ __kind: 'TransferFeeConfig', ...authorities, ...state }], setUp }
  })
}

/** Makes a Token-2022 mint with the extensions that `extend` names and sets up. Needs a chain that makes blocks. */
export function createToken2022Mint(
  options: MintOptions,
  extend: (authority: Address) => MintExtensions,
): Promise<SolanaMint> {
  return createMint(options, TOKEN_2022_PROGRAM_ADDRESS, extend)
}

export type MintExtensions = { extensions: ExtensionArgs[]; setUp: (mint: Address) => Instruction[] }

/** Enough for rent and fees of thousands of accounts. */
const AUTHORITY_LAMPORTS = 100_000_000_000n

async function createMint(
  options: MintOptions,
  program: Address,
  extend: (authority: Address) => MintExtensions,
): Promise<SolanaMint> {
  const [authority, mint] = [await generateKeyPairSigner(), await generateKeyPairSigner()]
  await options.control.fund(authority.address, AUTHORITY_LAMPORTS)
  const { rpc, send } = connect(options, authority)
  const { extensions, setUp } = extend(authority.address)
  const space = BigInt(getMintSize(extensions.length === 0 ? undefined : extensions))
  const lamports = await rpc.getMinimumBalanceForRentExemption(space).send()
  await send([
    getCreateAccountInstruction({ payer: authority, newAccount: mint, lamports, space, programAddress: program }),
    ...setUp(mint.address),
    getInitializeMint2Instruction(
      {
        mint: mint.address,
        decimals: options.decimals,
        mintAuthority: authority.address,
        freezeAuthority: authority.address,
      },
      { programAddress: program },
    ),
  ])
  return {
    address: mint.address,
    program,
    authority,
    send,
    mintTo: async (owner, amount) => {
      const [ata] = await findAssociatedTokenPda({ mint: mint.address, owner, tokenProgram: program })
      const place = { mint: mint.address, owner, ata, payer: authority, tokenProgram: program }
      await send([
        getCreateAssociatedTokenIdempotentInstruction(place),
        getMintToInstruction(
          { mint: mint.address, token: ata, mintAuthority: authority, amount },
          { programAddress: program },
        ),
      ])
      return ata
    },
  }
}

function connect({ rpcUrl, wsUrl }: MintOptions, payer: KeyPairSigner) {
  const rpc = createSolanaRpc(rpcUrl)
  const sendAndConfirm = sendAndConfirmTransactionFactory({
    rpc,
    rpcSubscriptions: createSolanaRpcSubscriptions(wsUrl),
  })
  const send = async (instructions: readonly Instruction[]) => {
    const { value: latest } = await rpc.getLatestBlockhash({ commitment: 'confirmed' }).send()
    const transaction = await signTransactionMessageWithSigners(
      pipe(
        createTransactionMessage({ version: 0 }),
        (message) => setTransactionMessageFeePayerSigner(payer, message),
        (message) => setTransactionMessageLifetimeUsingBlockhash(latest, message),
        (message) => appendTransactionMessageInstructions(instructions, message),
      ),
    )
    assertIsTransactionWithBlockhashLifetime(transaction)
    await sendAndConfirm(transaction, { commitment: 'processed' })
  }
  return { rpc, send }
}
