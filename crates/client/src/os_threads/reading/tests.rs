use std::collections::HashSet;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::ThreadId;

use super::*;
use crate::conn::{Handlers, Link};
use crate::os_threads::driver::{Sink, Source};
use crate::os_threads::polled::PolledSink;
use crate::settings::Settings;

/// Longer than any step of a test takes.
const LONG: Duration = Duration::from_secs(30);

/// Counts the bytes that were read, and wakes whoever waits for more.
#[derive(Default)]
struct Seen {
    bytes: AtomicUsize,
    readers: Mutex<HashSet<ThreadId>>,
    wakers: Mutex<Vec<Waker>>,
}

impl Seen {
    fn poll(&self, bytes: usize, context: &Context<'_>) -> Poll<()> {
        self.wakers.lock().expect("no panic").push(context.waker().clone());
        if self.bytes.load(Ordering::SeqCst) >= bytes { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The threads that have read since this was asked last.
    fn readers(&self) -> HashSet<ThreadId> {
        std::mem::take(&mut self.readers.lock().expect("no panic"))
    }
}

struct Bytes(PipeReader, Arc<Seen>);

impl Source for Bytes {
    fn read(&mut self) -> io::Result<bool> {
        let mut byte = [0];
        if self.0.read(&mut byte)? == 0 {
            return Ok(false);
        }
        assert_ne!(byte, *b"!", "a reader that panics");
        self.1.readers.lock().expect("no panic").insert(thread::current().id());
        self.1.bytes.fetch_add(1, Ordering::SeqCst);
        for waker in self.1.wakers.lock().expect("no panic").drain(..) {
            waker.wake();
        }
        Ok(true)
    }
}

impl PolledSource for Bytes {
    fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

struct Plain(PipeWriter);

impl Sink for Plain {
    fn encode(&mut self, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn goodbye(&mut self, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PolledSink for Plain {
    fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A stream of bytes with its thread, from the side of the server.
struct Server {
    link: Arc<Link>,
    reading: Arc<Reading>,
    seen: Arc<Seen>,
    thread: ThreadId,
    to_client: PipeWriter,
    from_client: PipeReader,
    read: Receiver<io::Result<()>>,
    written: Receiver<io::Result<()>>,
}

fn server() -> Server {
    let link = Arc::new(Link::new(Settings::default(), Handlers::default()));
    let (client_reads, to_client) = io::pipe().expect("a pipe");
    let (from_client, client_writes) = io::pipe().expect("a pipe");
    for fd in [client_reads.as_fd(), client_writes.as_fd()] {
        rustix::io::ioctl_fionbio(fd, true).expect("a pipe can be polled");
    }
    let (read_told, read) = Told::channel(&link);
    let (written_told, written) = Told::channel(&link);
    let bell = Arc::new(Bell::new().expect("a pipe"));
    let sink = Box::new(Plain(client_writes));
    let writing = Arc::new(Writing::new(link.clone(), sink, written_told, bell.clone()));
    let reading = Arc::new(Reading::new(link.span().clone(), bell, writing.clone()));
    let seen = Arc::new(Seen::default());
    let stream = Stream { source: Box::new(Bytes(client_reads, seen.clone())), told: read_told };
    let serving = reading.clone();
    let thread = thread::spawn(move || serving.serve(stream)).thread().id();
    writing.write();
    Server { link, reading, seen, thread, to_client, from_client, read, written }
}

impl Server {
    fn send(&mut self, bytes: &[u8]) {
        self.to_client.write_all(bytes).expect("the client reads");
    }

    /// Waits as a caller until so many bytes were read in all.
    fn wait_for(&self, bytes: usize) {
        wait_for(&self.reading, &self.seen, bytes);
    }

    /// Has this thread get the stream: the thread of the connection leaves it to a caller that waits alone.
    fn lead(&mut self) -> usize {
        for bytes in 1.. {
            self.send(b".");
            self.wait_for(bytes);
            if self.seen.readers().contains(&thread::current().id()) {
                return bytes;
            }
        }
        unreachable!("a caller never leads")
    }
}

fn wait_for(reading: &Arc<Reading>, seen: &Seen, bytes: usize) {
    let deadline = Instant::now() + LONG;
    let waited = reading.wait(Some(deadline), |context| seen.poll(bytes, context));
    assert_eq!(waited, Poll::Ready(()), "{bytes} bytes were not read");
}

#[test]
fn a_lone_caller_reads_for_itself() {
    let mut server = server();
    let read = server.lead();
    assert!(read < 1000, "only after {read} calls");
}

#[test]
fn the_thread_reads_when_callers_have_gone() {
    let mut server = server();
    let read = server.lead();
    server.send(b".");
    let deadline = Instant::now() + LONG;
    let seen = server.seen.clone();
    // Parks without taking the stream.
    let waited = crate::os_threads::block_until(Some(deadline), |context| seen.poll(read + 1, context));
    assert_eq!(waited, Poll::Ready(()));
    assert_eq!(seen.readers(), HashSet::from([server.thread]));
}

#[test]
fn a_caller_that_leaves_recalls_the_thread_for_others() {
    let mut server = server();
    let read = server.lead();
    let (reading, seen) = (server.reading.clone(), server.seen.clone());
    thread::scope(|scope| {
        let other = scope.spawn(|| wait_for(&reading, &seen, read + 2));
        // This caller may lead or follow; it leaves either way.
        server.send(b".");
        server.wait_for(read + 1);
        server.send(b".");
        other.join().expect("the other caller is served");
    });
}

#[test]
fn many_callers_are_all_served() {
    let mut server = server();
    let (reading, seen) = (server.reading.clone(), server.seen.clone());
    thread::scope(|scope| {
        for caller in 1..=16 {
            let (reading, seen) = (&reading, &seen);
            scope.spawn(move || (0..20).for_each(|round| wait_for(reading, seen, round * 16 + caller)));
        }
        (0..320).for_each(|_| server.send(b"."));
    });
}

#[test]
fn a_wait_ends_at_its_deadline() {
    let mut server = server();
    let read = server.lead();
    let deadline = Some(Instant::now() + Duration::from_millis(5));
    let seen = server.seen.clone();
    let waited = server.reading.wait(deadline, |context| seen.poll(read + 1, context));
    assert_eq!(waited, Poll::Pending);
    assert!(deadline <= Some(Instant::now()));
}

#[test]
fn the_end_of_the_stream_is_told() {
    let mut server = server();
    server.lead();
    let Server { to_client, read, .. } = server;
    drop(to_client);
    assert!(matches!(read.recv_timeout(LONG), Ok(Ok(()))));
}

#[test]
fn a_panic_of_the_reader_ends_the_stream() {
    let mut server = server();
    let read = server.lead();
    let (reading, seen) = (server.reading.clone(), server.seen.clone());
    thread::spawn(move || wait_for(&reading, &seen, read + 1));
    server.send(b"!");
    let told = server.read.recv_timeout(LONG);
    assert_eq!(told.expect_err("no end is told"), RecvTimeoutError::Disconnected);
}

#[test]
fn a_hang_up_ends_both_halves() {
    for leads in [false, true] {
        let mut server = server();
        if leads {
            server.lead();
        }
        let seen = server.seen.clone();
        let reading = server.reading.clone();
        let waits = thread::spawn(move || {
            let deadline = Some(Instant::now() + Duration::from_millis(50));
            reading.wait(deadline, |context| seen.poll(usize::MAX, context))
        });
        server.reading.hang_up();
        assert!(matches!(server.read.recv_timeout(LONG), Ok(Ok(()))), "leads: {leads}");
        assert!(matches!(server.written.recv_timeout(LONG), Ok(Ok(()))), "leads: {leads}");
        assert_eq!(waits.join().expect("a caller"), Poll::Pending);
        server.to_client.write_all(b".").expect_err("nobody reads");
    }
}

#[test]
fn what_the_stream_does_not_take_is_written_later() {
    let mut server = server();
    let params = format!("\"{}\"", "x".repeat(300_000));
    for _ in 0..3 {
        server.link.notify("test", Some(&params)).expect("it is open");
    }
    let line = format!("{{\"method\":\"test\",\"params\":{params}}}\n");
    let mut all = vec![0; 3 * line.len()];
    server.from_client.read_exact(&mut all).expect("all of it");
    assert_eq!(String::from_utf8_lossy(&all), line.repeat(3));
}

#[test]
fn a_hang_up_closes_a_stream_that_takes_no_more() {
    let server = server();
    server.link.notify("test", Some(&format!("\"{}\"", "x".repeat(300_000)))).expect("it is open");
    server.reading.hang_up();
    assert!(matches!(server.written.recv_timeout(LONG), Ok(Ok(()))));
    let Server { mut from_client, reading, .. } = server;
    drop(reading);
    let mut rest = Vec::new();
    from_client.read_to_end(&mut rest).expect("the pipe is closed");
    assert!(rest.len() < 300_000);
}

#[test]
fn a_reader_that_is_gone_is_an_error() {
    let Server { link, from_client, written, .. } = server();
    drop(from_client);
    link.notify("test", None).expect("it is open");
    let told = written.recv_timeout(LONG).expect("the writer tells");
    assert_eq!(told.expect_err("a broken pipe").kind(), io::ErrorKind::BrokenPipe);
}
