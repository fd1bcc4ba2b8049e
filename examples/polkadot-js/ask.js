// Submits an inference job as a signed extrinsic, follows its events, and prints the answer, the verdicts and who
// was paid. Nothing here knows Noesis beforehand: every type comes from the chain's metadata.
//
//   node ask.js "What is the capital of France?" [--url ws://127.0.0.1:9944] [--key //Ferdie]
//               [--checkpoint 0] [--tokens 48] [--json]

import { parseArgs } from 'node:util';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';
import { u8aToString } from '@polkadot/util';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: 'ws://127.0.0.1:9944' },
    key: { type: 'string', default: '//Ferdie' },
    checkpoint: { type: 'string', default: '0' },
    tokens: { type: 'string', default: '48' },
    json: { type: 'boolean', default: false },
  },
});
const prompt = positionals[0];
if (!prompt) {
  console.error('usage: node ask.js PROMPT [--url URL] [--key SURI] [--checkpoint ID] [--tokens N] [--json]');
  process.exit(2);
}
const say = (...words) => options.json || console.log(...words);

const api = await ApiPromise.create({ provider: new WsProvider(options.url), noInitWarn: true });
const requester = new Keyring({ type: 'sr25519' }).addFromUri(options.key);
const dot = (planck) => `${Number(BigInt(planck)) / 1e10} DOT`;

const spec = {
  checkpoint: Number(options.checkpoint),
  kind: {
    Generate: { format: 'Chat', maxTokens: Number(options.tokens), temperature: 0, topP: 65535, seed: 0 },
  },
  input: { Inline: prompt },
  worker: null,
  deadline: 300,
  lane: 'Dot',
  tier: 'Standard',
  verification: 'Sampled',
  sealed: null,
};

// What it may cost: a runtime API, found in the metadata.
const quote = await api.call.noesisApi.quote(spec);
if (quote.isErr) {
  console.error(`the chain has no quote for this: ${quote.asErr}`);
  process.exit(1);
}
const { units, fee } = quote.asOk;
say(`at most ${units} units, ${dot(fee)}`);

// Submits the job; its number is in the event.
const job = await new Promise((resolve, reject) => {
  api.tx.poi
    .submit(spec, fee)
    .signAndSend(requester, ({ status, events, dispatchError }) => {
      if (dispatchError) {
        const { section, name, docs } = api.registry.findMetaError(dispatchError.asModule);
        reject(new Error(`${section}.${name}: ${docs.join(' ')}`));
      } else if (status.isInBlock || status.isFinalized) {
        // A development chain finalises a block as it makes it, and says only that.
        const submitted = events.find(({ event }) => api.events.poi.Submitted.is(event));
        resolve(submitted.event.data.job);
      }
    })
    .catch(reject);
});
say(`job ${job} is in a block`);

// Follows every event that names this job until it has ended.
const verdicts = [];
await new Promise((resolve, reject) => {
  const ours = (data) => data.job?.eq(job) || (data.subject?.isJob && data.subject.asJob.eq(job));
  let last = 0;
  const look = async (number) => {
    for (; last <= number; last++) {
      const at = await api.at(await api.rpc.chain.getBlockHash(last));
      for (const { event } of await at.query.system.events()) {
        if (!['poi', 'poc'].includes(event.section) || !ours(event.data)) continue;
        if (event.method === 'VerdictGiven') {
          verdicts.push({ validator: `${event.data.validator}`, agrees: event.data.agrees.isTrue });
          say(`block ${last}: ${event.data.validator} ${event.data.agrees.isTrue ? 'agrees' : 'disagrees'}`);
        } else if (event.method === 'Moved') {
          say(`block ${last}: ${event.data.from} -> ${event.data.to}`);
        } else {
          say(`block ${last}: ${event.method}`);
        }
      }
    }
    const state = (await api.call.noesisApi.job(job)).unwrap().state;
    if (state.isFinal || state.isRefunded) resolve();
  };
  let busy = Promise.resolve();
  api.rpc.chain
    .getHeader()
    .then((head) => {
      last = Math.max(1, head.number.toNumber() - 3);
      return api.rpc.chain.subscribeNewHeads(({ number }) => {
        busy = busy.then(() => look(number.toNumber())).catch(reject);
      });
    })
    .catch(reject);
});

const view = (await api.call.noesisApi.job(job)).unwrap();
const settlement = view.settlement.unwrap();
const output = view.output.unwrapOr(null);
const report = {
  job: job.toNumber(),
  status: view.state.type.toLowerCase(),
  answer: output?.isInline ? u8aToString(output.asInline.toU8a(true)) : output?.toHuman(),
  root: view.claim.isSome ? view.claim.unwrap().root.toHex() : null,
  verdicts,
  paid: {
    worker: settlement.worker.toString(),
    perValidator: settlement.perValidator.toString(),
    pot: settlement.pot.toString(),
    refund: settlement.refund.toString(),
  },
};
if (options.json) {
  console.log(JSON.stringify(report));
} else {
  say(`\n${report.answer}\n`);
  say(`root ${report.root}`);
  say(`worker ${dot(report.paid.worker)}, each validator ${dot(report.paid.perValidator)},`);
  say(`pot ${dot(report.paid.pot)}, back to you ${dot(report.paid.refund)}`);
}
await api.disconnect();
process.exit(report.status === 'final' ? 0 : 1);
