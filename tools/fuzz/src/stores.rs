//! The HTTP that a store serves to anybody.

use noesis_primitives::ContentHash;
use noesis_worker::store::{serve, Served, Store, StoreServer};
use std::{
	io::{Read, Write},
	net::{Shutdown, TcpStream},
	sync::LazyLock,
	time::Duration,
};

struct Scene {
	served: Served,
	kept: ContentHash,
	_runtime: tokio::runtime::Runtime,
	_folder: tempfile::TempDir,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
	let folder = tempfile::tempdir().unwrap();
	let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
	let store = std::sync::Arc::new(Store::open(folder.path(), 1 << 16).unwrap());
	let kept = store.put(noesis_worker::store::Origin::Own, b"a blob").unwrap();
	let server = StoreServer { store, live: Default::default(), checkpoints: Default::default() };
	let served = serve(server, Default::default(), ([127, 0, 0, 1], 0).into());
	let served = runtime.block_on(served).unwrap();
	Scene { served, kept, _runtime: runtime, _folder: folder }
});

/// Bytes on a connection: it is answered by HTTP or closed, and the next one is served.
pub fn run(bytes: &[u8]) {
	let answer = ask(bytes, true);
	assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "something else than HTTP");
	let health = ask(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", false);
	assert!(health.starts_with(b"HTTP/1.1 200"), "the store does not serve any more");
}

/// What comes back; who hangs up is not waited for, and may get no answer.
fn ask(bytes: &[u8], hang_up: bool) -> Vec<u8> {
	let mut stream = TcpStream::connect(SCENE.served.address).unwrap();
	stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
	let _ = stream.write_all(bytes);
	if hang_up {
		let _ = stream.shutdown(Shutdown::Write);
	}
	let mut answer = Vec::new();
	let _ = stream.read_to_end(&mut answer);
	answer
}

/// Requests of every endpoint.
pub fn seeds() -> Vec<Vec<u8>> {
	let get =
		|path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes();
	let put =
		|body: &str| {
			let length = body.len();
			format!("POST /blob HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
		};
	let kept = SCENE.kept;
	vec![
		get("/health"),
		get(&format!("/blob/{kept}")),
		get("/blob/0x00"),
		get(&format!("/checkpoint/{kept}")),
		get("/stream/3"),
		get("/stream/-3"),
		put("some bytes").into_bytes(),
		b"POST /blob HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"
			.to_vec(),
		b"POST /blob HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\nab".to_vec(),
	]
}
