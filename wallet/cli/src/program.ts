import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { CliError, reportFault } from './fault.ts'

/** Runs a command line. Returns the exit code of a failure; a command that does not fail sets its own. */
export async function runProgram(argv: readonly string[]): Promise<number | undefined> {
  const program = createProgram()
  let running = program
  program.hook('preAction', (_, command) => {
    running = command
  })
  try {
    await program.parseAsync(argv)
    return undefined
  } catch (error) {
    return await reportFault(error, running)
  }
}

/** The `waiaas` command. A command's code loads when it runs, so that help is there at once. */
export function createProgram(): Command {
  const program = new Command('waiaas')
    .description('A wallet daemon that lets an agent spend what its owner allows')
    .version(manifest.version)
    .option(
      '--data-dir <path>',
      'data directory of the wallet',
      process.env.WAIAAS_DATA_DIR ?? join(homedir(), '.waiaas'),
    )
    .showHelpAfterError()
  const dataDir = () => resolve(program.opts<{ dataDir: string }>().dataDir)

  program
    .command('init')
    .description('create a wallet: keystore, configuration, default policies')
    .addOption(
      new Option('--environment <name>', 'networks to serve').choices(['testnet', 'mainnet']).default('testnet'),
    )
    .option(
      '--rpc <network=url>',
      'address of a node of a network, such as base-sepolia=https://…; may be repeated',
      addPair,
      {},
    )
    .option('--auto-provision', 'generate a random master password and keep it in a file until you delete it')
    .action(async (options) => (await import('./commands/init.ts')).init(dataDir(), options))
  program
    .command('start')
    .description('unlock the keystore and run the daemon until interrupted')
    .action(async () => (await import('./commands/start.ts')).start(dataDir()))
  program
    .command('status')
    .description('show whether the daemon is running, and what needs your attention')
    .option('--json', 'print JSON')
    .action(async (options) => (await import('./commands/status.ts')).status(dataDir(), options))
  program
    .command('stop')
    .description('stop the daemon')
    .action(async () => (await import('./commands/stop.ts')).stop(dataDir()))

  addKeepingCommands(program, dataDir)
  addAuditCommands(program, dataDir)
  addOperatorCommands(program, dataDir)
  addEmergencyCommands(program, dataDir)
  addByHandCommands(program, dataDir)
  addPolicyCommands(program, dataDir)
  addInspectCommands(program, dataDir)
  return program
}

/** What keeps a wallet safe; none needs the daemon. */
function addKeepingCommands(program: Command, dataDir: () => string): void {
  const passphrase = [
    '--passphrase-file <path>',
    'read the passphrase of the backup from a file, if it is not the master password',
  ] as const
  program
    .command('backup [file]')
    .description('write keystore, database and configuration into one encrypted file, and check that it opens')
    .option(...passphrase)
    .action(async (file, options) => (await import('./commands/backup.ts')).backup(dataDir(), file, options))
  program
    .command('restore <file>')
    .description('restore a wallet from a backup into an empty data directory')
    .option(...passphrase)
    .action(async (file, options) => (await import('./commands/restore.ts')).restoreBackup(dataDir(), file, options))
  program
    .command('doctor')
    .description('check permissions, configuration, database, audit log, keystore, addresses and nodes')
    .option('--backup <file>', 'check a backup as well')
    .option(...passphrase)
    .action(async (options) => (await import('./commands/doctor.ts')).doctor(dataDir(), options))
  program
    .command('set-master')
    .description('change the master password and re-encrypt every key')
    .option('--new-password-file <path>', 'read the new password from a file')
    .action(async (options) => (await import('./commands/set-master.ts')).changeMaster(dataDir(), options))
}

function addAuditCommands(program: Command, dataDir: () => string): void {
  const audit = program.command('audit').description('the hash-chained log of everything that happened')
  audit
    .command('verify [file]')
    .description('check the log of this wallet, or an exported file; needs no daemon')
    .action(async (file) => (await import('./commands/audit.ts')).verify(dataDir(), file))
  audit
    .command('export')
    .description('write the log to standard output, one JSON object per line')
    .action(async () => (await import('./commands/audit.ts')).exportLog(dataDir()))
}

/** What needs a running daemon and the master password. */
function addOperatorCommands(program: Command, dataDir: () => string): void {
  const agent = program.command('agent').description('agents and their wallets')
  agent
    .command('create <name>')
    .description('create an agent with a key on every chain')
    .option('--owner <address>', 'address of the owner, who approves larger payments')
    .option('--network <network>', 'default network')
    .action(async (name, options) => (await import('./commands/agent.ts')).createAgent(dataDir(), name, options))
  agent
    .command('list')
    .description('list all agents')
    .action(async () => (await import('./commands/agent.ts')).listAgents(dataDir()))
  addAgentChanges(agent, dataDir)

  program
    .command('approve <transaction>')
    .description("show a payment that waits for its owner, and approve it with the signature of the owner's wallet")
    .option('--reject', 'reject it instead')
    .option('--key-file <path>', "sign with the owner's key in this file: for tests only")
    .action(async (id, options) => (await import('./commands/approve.ts')).approve(dataDir(), id, options))

  const session = program.command('session').description('tokens for agent programs')
  session
    .command('list <agent>')
    .description('list the sessions of an agent')
    .action(async (name) => (await import('./commands/agent.ts')).listSessions(dataDir(), name))
  session
    .command('revoke <session>')
    .description('revoke a session: its token is refused from now on')
    .action(async (id) => (await import('./commands/agent.ts')).revokeSession(dataDir(), id))
  session
    .command('create <agent>')
    .description('issue a session token for an agent, by name or id; it is shown once')
    .option('--ttl <seconds>', 'lifetime, 300 to 604800', '86400')
    .action(async (name, options) => (await import('./commands/agent.ts')).createSession(dataDir(), name, options))
}

function addAgentChanges(agent: Command, dataDir: () => string): void {
  const load = () => import('./commands/agent.ts')
  agent
    .command('rename <agent> <name>')
    .description('rename an agent')
    .action(async (agentName, name) => (await load()).renameAgent(dataDir(), agentName, name))
  agent
    .command('set-owner <agent> <address>')
    .description('register the owner address; possible until an owner has signed')
    .action(async (name, address) => (await load()).setOwner(dataDir(), name, address))
  agent
    .command('remove-owner <agent>')
    .description('remove an owner address that has never signed')
    .action(async (name) => (await load()).removeOwner(dataDir(), name))
  agent
    .command('suspend <agent>')
    .description('suspend an agent: it can read, but not spend')
    .action(async (name) => (await load()).changeStatus(dataDir(), name, 'suspendAgent'))
  agent
    .command('resume <agent>')
    .description('resume a suspended agent')
    .action(async (name) => (await load()).changeStatus(dataDir(), name, 'resumeAgent'))
  agent
    .command('terminate <agent>')
    .description('close an agent permanently; its balance must be zero')
    .action(async (name) => (await load()).changeStatus(dataDir(), name, 'terminateAgent'))
  agent
    .command('withdraw <agent>')
    .description('send everything to the owner (the owner must have signed at least once)')
    .action(async (name) => (await load()).withdraw(dataDir(), name))
  agent
    .command('add-wallet <agent>')
    .description('create a key on another chain for an agent')
    .addOption(new Option('--chain <chain>', 'the chain').choices(['evm', 'solana']).makeOptionMandatory())
    .action(async (name, { chain }) => (await load()).addWallet(dataDir(), name, chain))
}

const maxFee = [
  '--max-fee <base units>',
  'the highest fee that closing it may cost, if the allowed one is too low',
] as const
const yes = ['--yes', 'do not ask for confirmation'] as const

/** What an owner needs at once when something is wrong. */
function addEmergencyCommands(program: Command, dataDir: () => string): void {
  const load = () => import('./commands/emergency.ts')
  program
    .command('kill-switch')
    .description('stop everything at once: nothing is signed or sent until you recover')
    .option('--status', 'only show whether it is on')
    .action(async ({ status }) =>
      status === true ? (await load()).killSwitchStatus(dataDir()) : (await load()).killSwitch(dataDir()),
    )
  program
    .command('recover')
    .description('start the recovery from the kill switch; payments resume after a waiting time')
    .option('--agent <agent>', 'whose owner signs, by name or id, where several could')
    .option('--key-file <path>', "sign with the owner's key in this file: for tests only")
    .action(async (options) => (await load()).recover(dataDir(), options))
  program
    .command('cancel <transaction>')
    .description('cancel a payment that is not final; the same as: waiaas tx cancel')
    .option(...maxFee)
    .option(...yes)
    .action(async (id, options) => (await import('./commands/tx.ts')).cancel(dataDir(), id, options))
}

/** Payments of all agents, decisions about those that are not final, and held accounts. */
function addByHandCommands(program: Command, dataDir: () => string): void {
  const load = () => import('./commands/tx.ts')
  const tx = program
    .command('tx')
    .description('payments: list them, look at one, and decide about those that are not final')
  tx.command('list')
    .description('list payments of all agents, newest first')
    .option('--open', 'only those that are not final')
    .option('--agent <agent>', 'only those of this agent, by name or id')
    .option('--limit <number>', 'how many; all that are open, or the 20 newest, without it')
    .option('--json', 'print JSON')
    .action(async (options) => (await load()).listPayments(dataDir(), options))
  tx.command('show <transaction>')
    .description('show everything about a payment, and the commands that can follow')
    .option('--json', 'print JSON')
    .action(async (id, options) => (await load()).showPayment(dataDir(), id, options))
  tx.command('cancel <transaction>')
    .description(
      'cancel a payment that is not final: at once if nothing was sent, otherwise once the network has decided',
    )
    .option(...maxFee)
    .option(...yes)
    .action(async (id, options) => (await load()).cancel(dataDir(), id, options))
  tx.command('continue <transaction>')
    .description('continue a payment that is being closed, such as after the kill switch')
    .action(async (id) => (await load()).continueTransaction(dataDir(), id))
  tx.command('prove <transaction>')
    .description('prove the outcome of a payment on a node of your choice, and end the payment if it is certain')
    .requiredOption('--rpc <url>', 'the node; it must serve the network of the payment')
    .action(async (id, options) => (await load()).prove(dataDir(), id, options))
  tx.command('write-off <transaction>')
    .description('end a payment without a proof, on your responsibility')
    .option('--as-paid', 'it was paid: its amount counts as spent')
    .option('--as-unpaid', 'it was not paid, and never will be: its amount is available again')
    .option('--amount <base units>', 'with --as-unpaid: the amount of the payment, to confirm it')
    .option(...yes)
    .action(async (id, options) => (await load()).writeOff(dataDir(), id, options))
  const account = program
    .command('account')
    .description('held accounts: nothing is signed for them until you release them')
  account
    .command('list')
    .description('list held accounts, and why they are held')
    .action(async () => (await load()).listHeld(dataDir()))
  account
    .command('release [network] [address]')
    .description('release a held account: resume signing for it')
    .option('--all', 'release all held accounts')
    .action(async (network, address, options) => (await load()).release(dataDir(), { network, address, ...options }))
}

/** Looking at payments before and after, and the tokens that wallets show. */
function addInspectCommands(program: Command, dataDir: () => string): void {
  program
    .command('simulate <agent>')
    .description('show what a payment would do and what the policy would decide; nothing is sent')
    .requiredOption('--to <address>', 'recipient')
    .option('--amount <number>', 'how much, such as 0.5')
    .option('--base-units <digits>', 'how much in base units (wei, lamports), instead of --amount')
    .option('--network <network>', "network, if not the agent's default one")
    .option('--token <address>', 'a token, if not the native coin')
    .action(async (name, { to, amount: humanAmount, baseUnits: amount, network, token }) =>
      (await import('./commands/inspect.ts')).simulate(dataDir(), name, { to, amount, humanAmount, network, token }),
    )
  program
    .command('trace <transaction>')
    .description('explain a decision: which rules applied to a payment, and on which facts')
    .action(async (id) => (await import('./commands/inspect.ts')).trace(dataDir(), id))
  const token = program.command('token').description('the tokens whose balances wallets show')
  const load = () => import('./commands/token.ts')
  token
    .command('list')
    .description('list the tokens')
    .option('--network <network>', 'only those of this network')
    .action(async (options) => (await load()).listTokens(dataDir(), options))
  token
    .command('add <network> <address>')
    .description('add a token to the list; symbol and decimals come from its chain')
    .action(async (network, address) => (await load()).addToken(dataDir(), network, address))
  token
    .command('remove <network> <address>')
    .description('remove a token from the list')
    .action(async (network, address) => (await load()).removeToken(dataDir(), network, address))
}

/** What loosens the policy of an agent whose owner has signed needs that owner again. */
function addPolicyCommands(program: Command, dataDir: () => string): void {
  const policy = program.command('policy').description('what agents may spend without asking')
  const load = () => import('./commands/policy.ts')
  const keyFile = ['--key-file <path>', "sign with the owner's key in this file: for tests only"] as const
  const rules = ['--rules <json>', 'the rules, such as {"instant_max": "1000"}'] as const
  const rulesFile = ['--rules-file <path>', 'read the rules from a file'] as const
  const priority = [
    '--priority <number>',
    'among policies of one type the one with the highest priority applies',
  ] as const
  policy
    .command('list')
    .description('list the policies')
    .option('--agent <agent>', 'only those that apply to this agent, by name or id')
    .action(async (options) => (await load()).listPolicies(dataDir(), options))
  policy
    .command('add <type>')
    .description('add a policy')
    .option(...rules)
    .option(...rulesFile)
    .option('--agent <agent>', 'for one agent, by name or id; without it for all')
    .option('--network <network>', 'for one network; without it for all')
    .option(...priority)
    .option(...keyFile)
    .action(async (type, options) => (await load()).createPolicy(dataDir(), type, options))
  policy
    .command('update <policy>')
    .description('change the rules or the priority of a policy, enable or disable it')
    .option(...rules)
    .option(...rulesFile)
    .option(...priority)
    .option('--enable', 'enable the policy')
    .option('--disable', 'disable the policy')
    .option(...keyFile)
    .action(async (id, options) => (await load()).updatePolicy(dataDir(), id, options))
  policy
    .command('remove <policy>')
    .description('remove a policy')
    .option(...keyFile)
    .action(async (id, options) => (await load()).deletePolicy(dataDir(), id, options))
}

function addPair(text: string, known: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new CliError(`--rpc ${text} is not of the form network=url.`)
  if (Object.hasOwn(known, text.slice(0, at))) throw new CliError(`--rpc ${text.slice(0, at)} is given twice.`)
  return { ...known, [text.slice(0, at)]: text.slice(at + 1) }
}
