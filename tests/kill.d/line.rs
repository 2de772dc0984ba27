//! A line between a program and a server, which can be cut without anybody being told: what is on the way stays on it, and
//! arrives late.

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub(crate) struct Line {
    /// Its near end.
    pub(crate) address: String,
    whole: watch::Sender<bool>,
}

impl Line {
    /// From an address of this machine to a server.
    pub(crate) async fn lay(near: &str, far: &str) -> Self {
        let listener = TcpListener::bind(near).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (whole, is_whole) = watch::channel(true);
        let far = far.to_owned();
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                // A server that is not there ends the connection.
                let Ok(far) = TcpStream::connect(&far).await else { continue };
                let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
                tokio::spawn(carry(from_near, to_far, is_whole.clone()));
                tokio::spawn(carry(from_far, to_near, is_whole.clone()));
            }
        });
        Self { address, whole }
    }

    /// What is on the way stays on it; nobody is told anything.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// What was on the way arrives late.
    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut whole: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or_default();
        if whole.wait_for(|whole| *whole).await.is_err() || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
        if read == 0 {
            // Its other end may have gone.
            let _told = to.shutdown().await;
            return;
        }
    }
}
