// ONNX Runtime, a peer of neoc:
//   onnxruntime.mjs margins MODEL.onnx ROWS.csv                a column of margins
//   onnxruntime.mjs bench MODEL.onnx ROWS.csv THREADS REPEATS  the figures of neoc bench, as NAME VALUE
//   onnxruntime.mjs first MODEL.onnx ROWS.csv                  loads a model and predicts one row
// Its package comes from the folder named by $NODE_PACKAGES.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const { InferenceSession, Tensor } = createRequire(process.env.NODE_PACKAGES + '/index.js')('onnxruntime-node')
const [what, model, file, threads = '1', repeats = '3'] = process.argv.slice(2)
const SINGLE_ROWS = 20000
const BATCH = 20000 // faster than all rows at once

const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(1)
const features = lines[0].split(',').length
const rows = Float32Array.from(lines.flatMap((line) => line.split(',').map((cell) => (cell === '' ? NaN : +cell))))
const session = await InferenceSession.create(model, {
  intraOpNumThreads: +threads, interOpNumThreads: 1, executionMode: 'sequential', logSeverityLevel: 3,
})

async function predict(first, count) {
  const x = new Tensor('float32', rows.subarray(first * features, (first + count) * features), [count, features])
  return (await session.run({ x })).margin.data
}

async function predictAll() {
  const out = []
  for (let first = 0; first < lines.length; first += BATCH)
    out.push(await predict(first, Math.min(BATCH, lines.length - first)))
  return out
}

// Seconds on the wall and of the processors.
async function timed(work) {
  const spent = process.cpuUsage()
  const start = process.hrtime.bigint()
  await work()
  const wall = Number(process.hrtime.bigint() - start) / 1e9
  const { user, system } = process.cpuUsage(spent)
  return [wall, (user + system) / 1e6]
}

async function bench() {
  const runs = []
  for (let i = 0; i < +repeats; i++) runs.push(await timed(predictAll))
  const rate = (which) => lines.length / Math.min(...runs.map((run) => run[which]))
  console.log(`rows_per_s ${rate(0)}\nrows_per_cpu_s ${rate(1)}`)
  if (threads !== '1') return
  const taken = new Float64Array(SINGLE_ROWS)
  for (let i = 0; i < SINGLE_ROWS; i++) {
    const start = process.hrtime.bigint()
    await predict(i % lines.length, 1)
    taken[i] = Number(process.hrtime.bigint() - start) / 1e3
  }
  taken.sort()
  console.log(`latency_us_p50 ${taken[SINGLE_ROWS / 2]}\nlatency_us_p99 ${taken[(SINGLE_ROWS / 100) * 99]}`)
}

async function margins() {
  console.log('margin\n' + (await predictAll()).map((part) => part.join('\n')).join('\n'))
}

await { bench, margins, first: async () => console.log((await predict(0, 1))[0]) }[what]()
