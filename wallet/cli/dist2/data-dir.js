import{t as dataPaths}from"./paths.js";import{t as AppError}from"./app-error.js";import{r as systemClock}from"./id.js";import"./src2.js";import{T as openDatabase,_ as rpcKey,n as createPolicies,t as migrations}from"./tables.js";import{n as ensurePrivateDir,r as writeFileAtomic}from"./files.js";import{W as findNetwork,y as CreatePolicy}from"./src3.js";import{n as initKeystore}from"./keystore.js";import{join}from"node:path";import{existsSync}from"node:fs";const DAY=86400;function defaultPolicies(){return[{type:`SPENDING_LIMIT`,rules:{instant_max_usd:10,notify_max_usd:100,delay_max_usd:1e3,token_limits:{"native:solana":{instant_max:`100000000`,notify_max:`1000000000`,delay_max:`10000000000`},"native:evm":{instant_max:`5000000000000000`,notify_max:`50000000000000000`,delay_max:`500000000000000000`}},delay_seconds:300,windows:[{seconds:DAY,max_usd:1e3,on_exceed:`APPROVAL`},{seconds:DAY,asset:`native:solana`,max:`20000000000`,on_exceed:`APPROVAL`},{seconds:DAY,asset:`native:evm`,max:`1000000000000000000`,on_exceed:`APPROVAL`}]}},{type:`COUNTERPARTY`,rules:{first_payment:`NOTIFY`,look_alike:`APPROVAL`}}]}async function initDataDir(options){let paths=dataPaths(options.dataDir);if(isInitialized(options.dataDir))throw new AppError(`ALREADY_INITIALIZED`,`There is a wallet in ${options.dataDir} already.`,{hint:`Start it with: waiaas start. For another one choose another --data-dir.`});ensurePrivateDir(options.dataDir);for(let folder of[`data`,`logs`,`run`])ensurePrivateDir(join(options.dataDir,folder));existsSync(paths.config)||writeFileAtomic(paths.config,configText(options)),await initDatabase(paths.database),options.keepPassword&&writeFileAtomic(paths.recoveryFile,Buffer.concat([options.password,Buffer.from(`
`)])),await initKeystore(paths.keystore,options.password)}function isInitialized(dataDir){return existsSync(join(dataPaths(dataDir).keystore,`keystore.json`))}async function openStore(dataDir){let path=dataPaths(dataDir).database;if(!existsSync(path))throw new AppError(`NOT_INITIALIZED`,`There is no wallet in ${dataDir}.`,{hint:`Make one with: waiaas init`});let database=await openDatabase({path,migrations,synchronous:`FULL`});return{db:database.kysely,close:database.close}}async function initDatabase(path){let database=await openDatabase({path,migrations,synchronous:`FULL`});try{let db=database.kysely,policies=createPolicies({db,clock:systemClock});if((await policies.list({})).length>0)return;for(let policy of defaultPolicies())await policies.change({kind:`create`,policy:CreatePolicy.parse(policy)},void 0)}finally{await database.close()}}function configText(options){let nodes=Object.entries(options.rpc).map(([name,url])=>{let network=findNetwork(name);if(network===void 0)throw new AppError(`UNKNOWN_NETWORK`,`There is no network ${name}.`);return`${rpcKey(network.name)} = ${JSON.stringify(url)}`});return`# The environment wins over this file: WAIAAS_<SECTION>_<KEY>, such as WAIAAS_DAEMON_PORT.

[daemon]
port = 3100
hostname = "127.0.0.1"
# "mainnet" or "testnet". Networks of the other environment are not served.
environment = "${options.environment}"
log_level = "info"

[rpc]
# The address of a node for every network that shall be served, such as
# base_sepolia = "https://..."
${nodes.join(`
`)}
${nodes.length===0?``:`
`}[policy]
# What happens to payments that need an owner's approval while none is registered: "delay" or "deny".
without_owner = "delay"
`}export{isInitialized as n,openStore as r,initDataDir as t};