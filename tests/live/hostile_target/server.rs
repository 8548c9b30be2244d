//! A target of raw bytes: reads a request, then does what its row says.

use std::{
    io,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// What is answered to every request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then RST.
    Cut(Vec<u8>),
    /// The first bytes, then the second one at a time, with this pause before each, then the end.
    Drip(Vec<u8>, Vec<u8>, Duration),
    /// The first bytes, then the second again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes, then nothing more, while the connection stays.
    Hang(Vec<u8>),
    /// These bytes again and again, with a pause before each.
    Trickle(Vec<u8>, Duration),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    most: Arc<AtomicU64>,
}

impl Server {
    pub(crate) fn start(answer: Answer) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            most: Arc::default(),
        };
        let most = Arc::clone(&server.most);
        // Ends with the test's process: it waits for clients that may still come.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, most) = (answer.clone(), Arc::clone(&most));
                // The client leaving is what ends most of these.
                thread::spawn(move || drop(serve(&stream, &answer, &most)));
            }
        });
        server
    }

    /// How many bytes one client has taken at most, the system's buffers included.
    pub(crate) fn taken(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

fn serve(stream: &TcpStream, answer: &Answer, most: &AtomicU64) -> io::Result<()> {
    let mut sent = 0;
    let mut send = |bytes: &[u8]| -> io::Result<()> {
        let mut stream = stream;
        stream.write_all(bytes)?;
        sent += bytes.len() as u64;
        most.fetch_max(sent, Ordering::Relaxed);
        Ok(())
    };
    if let Answer::Cut(bytes) = answer {
        // A socket that is closed over unread bytes sends RST.
        stream.peek(&mut [0])?;
        return send(bytes);
    }
    request(stream)?;
    match answer {
        Answer::Bytes(bytes) | Answer::Cut(bytes) => send(bytes)?,
        Answer::Drip(first, rest, pause) => {
            send(first)?;
            for byte in rest {
                // What is played is a slow target: the pause is the matter itself, and no waiting for an event.
                thread::sleep(*pause);
                send(&[*byte])?;
            }
        }
        Answer::Endless(first, again) => {
            send(first)?;
            let piece = again.repeat(1 + 64 * 1024 / again.len());
            loop {
                send(&piece)?;
            }
        }
        Answer::Hang(bytes) => {
            send(bytes)?;
            return rest(stream);
        }
        Answer::Trickle(bytes, pause) => loop {
            thread::sleep(*pause);
            send(bytes)?;
        },
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    rest(stream)
}

/// Reads a head and the body it announces.
fn request(mut stream: &TcpStream) -> io::Result<()> {
    let mut read = Vec::new();
    let mut space = [0; 4096];
    loop {
        let count = stream.read(&mut space)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&space[..count]);
        let text = String::from_utf8_lossy(&read).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return Ok(());
            }
        }
    }
}

/// Waits until the client has left: an end of ours before that would turn into a reset.
fn rest(mut stream: &TcpStream) -> io::Result<()> {
    let mut space = [0; 4096];
    while stream.read(&mut space)? > 0 {}
    Ok(())
}
