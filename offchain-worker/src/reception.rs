//! What an HTTP endpoint asks before there is somebody behind it.

use std::sync::{Arc, OnceLock, Weak};

/// Stands for a server that comes later: the endpoints are there from the start, what they serve is not.
pub struct Reception<T> {
	server: Arc<OnceLock<Weak<T>>>,
}

impl<T> Clone for Reception<T> {
	fn clone(&self) -> Self {
		Self { server: self.server.clone() }
	}
}

impl<T> Default for Reception<T> {
	fn default() -> Self {
		Self { server: Arc::default() }
	}
}

impl<T> Reception<T> {
	/// Sends requests to `server` from now on, as long as somebody holds it. The first counts.
	pub fn open(&self, server: &Arc<T>) {
		let _ = self.server.set(Arc::downgrade(server));
	}

	/// Who serves, if anybody does.
	pub fn server(&self) -> Option<Arc<T>> {
		self.server.get().and_then(Weak::upgrade)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn requests_should_go_to_the_first_server_as_long_as_it_is_held() {
		let reception = Reception::default();
		let endpoint = reception.clone();
		assert!(endpoint.server().is_none());
		let first = Arc::new(1);
		reception.open(&first);
		reception.open(&Arc::new(2));
		assert_eq!(endpoint.server().as_deref(), Some(&1));
		drop(first);
		assert!(endpoint.server().is_none());
	}
}
