/** What a program may be told so that it still does nothing but read and print. */
export type Looking = {
  /** Options of one letter. They may stand together, and a number may follow: `-la`, `-n5`. */
  letters: string
  /** Long options, with or without `=value`. An abbreviation is not one of them. */
  words: readonly string[]
  /** What is not an option; absent: names below the folder in which it starts. */
  operands?: RegExp
}

const looking = (letters: string, words = '', operands?: RegExp): Looking => ({
  letters,
  words: words === '' ? [] : words.split(' '),
  ...(operands === undefined ? {} : { operands }),
})
const NOTHING = /^$/
const HASHES = looking('bct', 'check binary text tag quiet status')

/**
 * Programs of which it is known that with these options, and with any operand, they start no other program and write
 * no file. Options that write (`sort -o`), run something (`rg --pre`, `diff -l`) or lead elsewhere are not in it, nor
 * are programs whose second operand is what they write (`uniq`, `xxd`).
 */
const PROGRAMS: Readonly<Record<string, Looking>> = {
  arch: looking(''),
  basename: looking('as'),
  cat: looking('AbEnsTv', 'number show-all'),
  cksum: looking(''),
  cmp: looking('bls', 'verbose silent'),
  comm: looking(''),
  cut: looking('bcdfs', 'delimiter fields complement'),
  date: looking('uR', 'utc', /^\+/),
  df: looking('hikmT', 'human-readable total'),
  diff: looking('abBcEiNqruwyZ', 'brief recursive unified side-by-side ignore-all-space ignore-case color'),
  dirname: looking('z'),
  du: looking('abchkmsSx', 'human-readable summarize max-depth apparent-size total'),
  echo: looking('eEn', '', /^[^-]/),
  false: looking(''),
  file: looking('biL', 'brief mime mime-type'),
  free: looking('bghkmtw', 'human total'),
  grep: looking(
    'ABCcEeFGHhiLlmnoPqRrsvwxy',
    'after-context before-context color context count exclude exclude-dir files-with-matches ignore-case include invert-match line-number max-count only-matching recursive word-regexp',
  ),
  head: looking('cnqv', 'bytes lines quiet verbose'),
  hostname: looking('fsiI', 'fqdn short', NOTHING),
  id: looking('gGnru', 'group groups name real user'),
  jq: looking('ceMnrsS', 'compact-output raw-output slurp sort-keys null-input'),
  ls: looking(
    'aAbBcCdFghHiklLmnopqQrRsStuUvxXZ',
    'all almost-all classify color directory full-time human-readable inode recursive reverse size sort time',
  ),
  md5sum: HASHES,
  nl: looking('bnsvw'),
  nproc: looking('', 'all'),
  od: looking('AbcdjNotvxw'),
  // Without its old form: `ps e` shows the environment of other programs.
  ps: looking('AdefFjlLT', 'forest', NOTHING),
  pwd: looking('LP'),
  readlink: looking('efmnqsv', 'canonicalize'),
  realpath: looking('eLmPqs', 'relative-to'),
  rg: looking(
    'ABCceFgilLnNoSstuUvwx',
    'after-context before-context color context count files files-with-matches fixed-strings glob hidden ignore-case line-number no-heading only-matching smart-case type word-regexp',
  ),
  sha1sum: HASHES,
  sha256sum: HASHES,
  sha512sum: HASHES,
  sort: looking('bcdfghikMnrRstuV', 'key numeric-sort reverse unique version-sort field-separator'),
  stat: looking('cfLt', 'format terse dereference'),
  strings: looking('adnot', 'all bytes'),
  tac: looking(''),
  tail: looking('cnqv', 'bytes lines quiet verbose'),
  tr: looking('cCdst', 'delete squeeze-repeats complement'),
  tree: looking('aCdDfhLpsu', 'dirsfirst du gitignore'),
  true: looking(''),
  uname: looking('aimnoprsv', 'all'),
  uptime: looking('ps', 'pretty since'),
  wc: looking('cLlmw', 'bytes chars lines words'),
  which: looking('a'),
  whoami: looking(''),
}

/**
 * Subcommands of git that read the repository. A program that the repository's own settings name may still run, as it
 * does for the plain subcommand.
 */
const GIT: Readonly<Record<string, Looking>> = {
  blame: looking('elLswM', 'date porcelain'),
  describe: looking('', 'abbrev all always long tags'),
  diff: looking(
    'abMRUwz',
    'cached color ignore-all-space ignore-space-change merge-base name-only name-status numstat shortstat staged stat summary unified word-diff',
  ),
  log: looking(
    'inz',
    'abbrev-commit after all author before color decorate first-parent follow graph grep max-count merges name-only name-status no-decorate no-merges numstat oneline reverse shortstat since stat until',
  ),
  'ls-files': looking('cikostuz', 'cached exclude-standard ignored others stage'),
  'rev-parse': looking('', 'abbrev-ref git-dir is-inside-work-tree short show-toplevel symbolic verify'),
  shortlog: looking('cens', 'all email numbered since summary until'),
  show: looking('sw', 'abbrev-commit color name-only name-status no-patch oneline shortstat stat'),
  status: looking('bsuvz', 'branch ignored long porcelain short show-stash untracked-files'),
}

/** What is known of a program, and of its subcommand where it has some; `words` is how many arguments name it. */
export function lookingProgram(argv: readonly string[]): { name: string; words: number; looking: Looking } | undefined {
  const [program = '', subcommand = ''] = argv
  if (program === 'git') return named(GIT, subcommand, `git ${subcommand}`, 2)
  return named(PROGRAMS, program, program, 1)
}

function named(table: Readonly<Record<string, Looking>>, key: string, name: string, words: number) {
  return Object.hasOwn(table, key) ? { name, words, looking: table[key]! } : undefined
}
