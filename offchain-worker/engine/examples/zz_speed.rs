//! scratch
use noesis_engine::{model::MAX_BATCH, Backend, Checkpoint, Engine, EngineOptions};
fn cpu() -> f64 {
	let s = std::fs::read_to_string("/proc/self/stat").unwrap();
	let v: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
	(v[11].parse::<f64>().unwrap()) / 100.0
}
fn main() {
	let c = Checkpoint::open("/tmp/ws/m/smollm2.noesis".as_ref()).unwrap();
	for b in if std::env::args().nth(2).is_some() {
		vec![Backend::Avx512]
	} else {
		vec![Backend::Avx512, Backend::Avx2, Backend::Scalar]
	} {
		let e = Engine::new(
			&c,
			&EngineOptions {
				threads: Some(std::env::args().nth(1).map_or(1, |x| x.parse().unwrap())),
				backend: Some(b),
			},
		)
		.unwrap();
		let n = if b == Backend::Scalar { 1 } else { 8 };
		e.install(|| {
			let m = e.model();
			let toks: Vec<u32> = (0..128 * n).map(|i| (i * 7919 % 49152) as u32).collect();
			let mut l = vec![];
			let mut s = m.start(2000);
			let (t, w) = (cpu(), std::time::Instant::now());
			for x in toks.chunks(MAX_BATCH) {
				m.forward(&mut s, x, &mut |_, _| {});
			}
			let el = w.elapsed().as_secs_f64();
			println!(
				"{b:?} prefill {} tokens: cpu {:.1} tok/s, wall {:.1} tok/s",
				toks.len(),
				toks.len() as f64 / (cpu() - t),
				toks.len() as f64 / el
			);
			s.cache.truncate(128);
			let (t, w) = (cpu(), std::time::Instant::now());
			for i in 0..16 * n {
				m.forward(&mut s, &[i as u32 + 5], &mut |_, _| {});
				m.logits(&mut s, 1, &mut l);
			}
			let el = w.elapsed().as_secs_f64();
			println!(
				"{b:?} decode: cpu {:.1} tok/s wall {:.1}",
				16.0 * n as f64 / (cpu() - t),
				16.0 * n as f64 / el
			);
		});
	}
}
