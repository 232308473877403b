import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { CliError } from './fault.ts'

/** The `waiaas` command. A command's code loads when it runs, so that help is there at once. */
export function createProgram(): Command {
  const program = new Command('waiaas')
    .description('A wallet daemon that lets an agent spend what its owner allows')
    .version(manifest.version)
    .option('--data-dir <path>', 'where the wallet lives', process.env.WAIAAS_DATA_DIR ?? join(homedir(), '.waiaas'))
    .showHelpAfterError()
  const dataDir = () => resolve(program.opts<{ dataDir: string }>().dataDir)

  program
    .command('init')
    .description('make a new wallet: keystore, configuration, default policies')
    .addOption(
      new Option('--environment <name>', 'networks to serve').choices(['testnet', 'mainnet']).default('testnet'),
    )
    .option('--rpc <network=url>', 'address of a node, such as base-sepolia=https://…; may be repeated', addPair, {})
    .option('--auto-provision', 'make a random master password and keep it in a file until you remove it')
    .action(async (options) => (await import('./commands/init.ts')).init(dataDir(), options))
  program
    .command('start')
    .description('unlock the keystore and run until interrupted')
    .action(async () => (await import('./commands/start.ts')).start(dataDir()))
  program
    .command('status')
    .description('tell whether the daemon runs, and where')
    .option('--json', 'as JSON')
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
  const passphrase = ['--passphrase-file <path>', 'what the backup opens with, if not the master password'] as const
  program
    .command('backup [file]')
    .description('write keystore, database and configuration into one sealed file, and prove that it opens')
    .option(...passphrase)
    .action(async (file, options) => (await import('./commands/backup.ts')).backup(dataDir(), file, options))
  program
    .command('restore <file>')
    .description('make the wallet of a backup again, in an empty data directory')
    .option(...passphrase)
    .action(async (file, options) => (await import('./commands/restore.ts')).restoreBackup(dataDir(), file, options))
  program
    .command('doctor')
    .description('check permissions, configuration, database, audit log, keystore and addresses')
    .option('--backup <file>', 'check a backup as well')
    .option(...passphrase)
    .action(async (options) => (await import('./commands/doctor.ts')).doctor(dataDir(), options))
  program
    .command('set-master')
    .description('change the master password: every key is sealed anew')
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
    .description('make an agent with a key on every chain')
    .option('--owner <address>', 'address of the owner who approves larger payments')
    .option('--network <network>', 'default network')
    .action(async (name, options) => (await import('./commands/agent.ts')).createAgent(dataDir(), name, options))
  agent
    .command('list')
    .description('show all agents')
    .action(async () => (await import('./commands/agent.ts')).listAgents(dataDir()))
  addAgentChanges(agent, dataDir)

  program
    .command('approve <transaction>')
    .description('show what waits for its owner, and take the signature of the owner’s wallet')
    .option('--reject', 'say no instead')
    .option('--key-file <path>', 'sign with the key in this file: for scripts, where nothing has value')
    .action(async (id, options) => (await import('./commands/approve.ts')).approve(dataDir(), id, options))

  const session = program.command('session').description('tokens for agent programs')
  session
    .command('list <agent>')
    .description('show the sessions of an agent')
    .action(async (name) => (await import('./commands/agent.ts')).listSessions(dataDir(), name))
  session
    .command('revoke <session>')
    .description('refuse the token of a session from now on')
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
    .description('call an agent otherwise')
    .action(async (agentName, name) => (await load()).renameAgent(dataDir(), agentName, name))
  agent
    .command('set-owner <agent> <address>')
    .description('register the owner address, while no owner has signed')
    .action(async (name, address) => (await load()).setOwner(dataDir(), name, address))
  agent
    .command('remove-owner <agent>')
    .description('remove an owner address that has never signed')
    .action(async (name) => (await load()).removeOwner(dataDir(), name))
  agent
    .command('suspend <agent>')
    .description('let an agent read only')
    .action(async (name) => (await load()).changeStatus(dataDir(), name, 'suspendAgent'))
  agent
    .command('resume <agent>')
    .description('let a suspended agent spend again')
    .action(async (name) => (await load()).changeStatus(dataDir(), name, 'resumeAgent'))
  agent
    .command('terminate <agent>')
    .description('end an agent for ever; it must be empty')
    .action(async (name) => (await load()).changeStatus(dataDir(), name, 'terminateAgent'))
  agent
    .command('withdraw <agent>')
    .description('send everything to the owner, who must have signed once')
    .action(async (name) => (await load()).withdraw(dataDir(), name))
  agent
    .command('add-wallet <agent>')
    .description('make a key on another chain for an agent')
    .addOption(new Option('--chain <chain>', 'where').choices(['evm', 'solana']).makeOptionMandatory())
    .action(async (name, { chain }) => (await load()).addWallet(dataDir(), name, chain))
}

/** What an owner needs at once when something is wrong. */
function addEmergencyCommands(program: Command, dataDir: () => string): void {
  const load = () => import('./commands/emergency.ts')
  program
    .command('kill-switch')
    .description('stop everything at once: nothing is signed or sent until you recover')
    .option('--status', 'only tell whether it is on')
    .action(async ({ status }) =>
      status === true ? (await load()).killSwitchStatus(dataDir()) : (await load()).killSwitch(dataDir()),
    )
  program
    .command('recover')
    .description('start the recovery after the kill switch; payments resume after a waiting time')
    .option('--agent <agent>', 'whose owner signs, by name or id, where several could')
    .option('--key-file <path>', "sign with the owner's key in this file: for scripts and tests")
    .action(async (options) => (await load()).recover(dataDir(), options))
  program
    .command('cancel <transaction>')
    .description('take back a payment that is not final; the same as: waiaas tx cancel')
    .action(async (id) => (await import('./commands/tx.ts')).cancel(dataDir(), id, {}))
}

/** Payments whose end is not proven, and accounts that contradict the database. */
function addByHandCommands(program: Command, dataDir: () => string): void {
  const load = () => import('./commands/tx.ts')
  const tx = program.command('tx').description('payments whose end is not certain')
  tx.command('cancel <transaction>')
    .description('take back a payment that is not final')
    .option('--max-fee <base units>', 'what ends it may cost this much, if what was allowed is too little')
    .action(async (id, options) => (await load()).cancel(dataDir(), id, options))
  tx.command('continue <transaction>')
    .description('take back that a payment was given up, such as by the kill switch')
    .action(async (id) => (await load()).continueTransaction(dataDir(), id))
  tx.command('prove <transaction>')
    .description('prove on a node of your choice what became of a payment, and end it if that is certain')
    .requiredOption('--rpc <url>', 'the node; it must serve the network of the payment')
    .action(async (id, options) => (await load()).prove(dataDir(), id, options))
  tx.command('write-off <transaction>')
    .description('end a payment without a proof, on your word')
    .option('--as-paid', 'it was paid: its amount counts as spent')
    .option('--as-unpaid', 'it was not paid, and never will be: its amount is free again')
    .option('--amount <base units>', 'with --as-unpaid: the amount of the payment, to confirm')
    .action(async (id, options) => (await load()).writeOff(dataDir(), id, options))
  const account = program.command('account').description('accounts for which nothing is signed until you have looked')
  account
    .command('list')
    .description('show them, and why')
    .action(async () => (await load()).listHeld(dataDir()))
  account
    .command('release [network] [address]')
    .description('sign for an account again')
    .option('--all', 'for all that are held')
    .action(async (network, address, options) => (await load()).release(dataDir(), { network, address, ...options }))
}

/** Looking at payments before and after, and the tokens that wallets show. */
function addInspectCommands(program: Command, dataDir: () => string): void {
  program
    .command('simulate <agent>')
    .description('tell what a payment would do and what the policy would say; nothing is sent')
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
    .description('tell which rule said what to a transaction, and on which facts')
    .action(async (id) => (await import('./commands/inspect.ts')).trace(dataDir(), id))
  const token = program.command('token').description('tokens whose balances wallets show')
  const load = () => import('./commands/token.ts')
  token
    .command('list')
    .description('show the list')
    .option('--network <network>', 'of one network')
    .action(async (options) => (await load()).listTokens(dataDir(), options))
  token
    .command('add <network> <address>')
    .description('list a token; symbol and decimals come from its chain')
    .action(async (network, address) => (await load()).addToken(dataDir(), network, address))
  token
    .command('remove <network> <address>')
    .description('take a token off the list')
    .action(async (network, address) => (await load()).removeToken(dataDir(), network, address))
}

/** What loosens the policy of an agent whose owner has signed needs that owner again. */
function addPolicyCommands(program: Command, dataDir: () => string): void {
  const policy = program.command('policy').description('what agents may spend without asking')
  const load = () => import('./commands/policy.ts')
  const keyFile = ['--key-file <path>', "sign with the owner's key in this file: for scripts and tests"] as const
  const rules = ['--rules <json>', 'the rules, such as {"instant_max": "1000"}'] as const
  const rulesFile = ['--rules-file <path>', 'read the rules from a file'] as const
  const priority = ['--priority <number>', 'among rows of one kind the higher one applies'] as const
  policy
    .command('list')
    .description('show the policies')
    .option('--agent <agent>', 'those that concern this agent, by name or id')
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
    .description('change rules, priority, or whether it counts')
    .option(...rules)
    .option(...rulesFile)
    .option(...priority)
    .option('--enable', 'let it count')
    .option('--disable', 'let it not count')
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
  return { ...known, [text.slice(0, at)]: text.slice(at + 1) }
}
