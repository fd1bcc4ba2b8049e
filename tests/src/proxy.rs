//! A wire between a process and the node that can be cut.

use crate::Outcome;
use std::{
	net::SocketAddr,
	sync::{Arc, Mutex},
};
use tokio::{
	io::copy_bidirectional,
	net::{TcpListener, TcpStream},
	task::{JoinHandle, JoinSet},
};

/// Forwards connections, as long as it is not cut.
#[derive(Debug)]
pub struct Proxy {
	/// Where it listens.
	pub address: SocketAddr,
	wires: Arc<Mutex<Option<JoinSet<()>>>>,
	task: JoinHandle<()>,
}

impl Proxy {
	/// A wire to `target`.
	pub async fn to(target: String) -> Outcome<Self> {
		let listener = TcpListener::bind("127.0.0.1:0").await?;
		let address = listener.local_addr()?;
		let wires = Arc::new(Mutex::new(Some(JoinSet::new())));
		let shared = wires.clone();
		let task = tokio::spawn(async move {
			while let Ok((mut inner, _)) = listener.accept().await {
				let target = target.clone();
				// While it is cut, a connection is closed as soon as it is made.
				if let Some(wires) = lock(&shared).as_mut() {
					wires.spawn(async move {
						if let Ok(mut outer) = TcpStream::connect(target).await {
							let _ = copy_bidirectional(&mut inner, &mut outer).await;
						}
					});
				}
			}
		});
		Ok(Self { address, wires, task })
	}

	/// Cuts all connections, and new ones until it is mended.
	pub fn cut(&self) {
		lock(&self.wires).take();
	}

	/// Lets connections through again.
	pub fn mend(&self) {
		lock(&self.wires).get_or_insert_with(JoinSet::new);
	}
}

impl Drop for Proxy {
	fn drop(&mut self) {
		self.task.abort();
	}
}

fn lock(wires: &Mutex<Option<JoinSet<()>>>) -> std::sync::MutexGuard<'_, Option<JoinSet<()>>> {
	wires.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
