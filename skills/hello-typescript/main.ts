const numbers: number[] = process.argv.slice(2).map(Number)

if (numbers.some(Number.isNaN)) {
  console.error('Numbers only, please.')
  process.exitCode = 2
} else {
  console.log(`Sum: ${numbers.reduce((sum, each) => sum + each, 0)}`)
}
