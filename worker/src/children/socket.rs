//! Datagrams with file descriptors over a `SOCK_SEQPACKET` socket pair.
//!
//! Not a general transport: one JSON value per datagram, at most two
//! descriptors with it, and only towards the child.

use super::protocol::DATAGRAM_BYTES_MAX;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, sendmsg, socketpair,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
    time::Duration,
};

/// What comes with a request: the original, and the place for the outputs.
pub(super) const DESCRIPTORS: usize = 2;

/// Why a datagram could not be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiveError {
    /// The socket itself failed.
    #[error("receiving a datagram")]
    Socket(#[from] io::Error),
    /// The other end is gone, and has not read what was sent to it.
    #[error("the other end is gone and has not listened")]
    Unheard,
    /// It is longer than any that this protocol knows.
    #[error("a datagram is longer than {DATAGRAM_BYTES_MAX} bytes")]
    TooLong,
    /// It is not what was expected.
    #[error("reading a datagram")]
    Json(#[from] serde_json::Error),
    /// A request comes with exactly two descriptors.
    #[error("a request came without its two descriptors")]
    Descriptors,
}

/// A fresh pair: the pool's end and the child's. Both are closed by `exec`.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends a value, perhaps with descriptors. Whoever does not listen must not
/// hold up the sender, so a full socket is an error.
pub(super) fn send(socket: BorrowedFd<'_>, value: &impl Serialize, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = serde_json::to_vec(value)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    // A datagram goes out whole or not at all.
    rustix::io::retry_on_intr(|| sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, flags))?;
    Ok(())
}

/// Takes the next datagram of a child; `None` when it hung up. Descriptors
/// that a child might send are closed by the kernel, since there is no room
/// for them.
pub(super) fn receive<T: DeserializeOwned>(socket: BorrowedFd<'_>) -> Result<Option<T>, ReceiveError> {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
    match rustix::io::retry_on_intr(|| recv(socket, buffer.as_mut_slice(), flags)) {
        Ok((_, 0)) => Ok(None),
        // So says the kernel of an end that was closed with datagrams in it.
        Err(Errno::CONNRESET) => Err(ReceiveError::Unheard),
        Ok((_, len)) if len > DATAGRAM_BYTES_MAX => Err(ReceiveError::TooLong),
        Ok((_, len)) => Ok(Some(serde_json::from_slice(&buffer[..len])?)),
        Err(error) => Err(ReceiveError::Socket(error.into())),
    }
}

/// Waits for the pool's next datagram and its two descriptors; `None` when the
/// pool hung up.
pub(super) fn receive_with_files<T: DeserializeOwned>(
    socket: BorrowedFd<'_>,
) -> Result<Option<(T, [File; DESCRIPTORS])>, ReceiveError> {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = rustix::io::retry_on_intr(|| {
        recvmsg(socket, &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)
    })
    .map_err(io::Error::from)?;
    if message.bytes == 0 {
        return Ok(None);
    }
    if message.flags.contains(ReturnFlags::TRUNC) {
        return Err(ReceiveError::TooLong);
    }
    let mut files = Vec::with_capacity(DESCRIPTORS);
    for ancillary in control.drain() {
        if let RecvAncillaryMessage::ScmRights(fds) = ancillary {
            files.extend(fds.map(File::from));
        }
    }
    let files = files.try_into().map_err(|_| ReceiveError::Descriptors)?;
    Ok(Some((serde_json::from_slice(&buffer[..message.bytes])?, files)))
}

/// Whether the other end is gone.
pub(super) fn hung_up(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut fds = [PollFd::new(&socket, PollFlags::IN)];
    wait(&mut fds, Some(Duration::ZERO))?;
    Ok(fds[0].revents().contains(PollFlags::HUP))
}

/// Waits until one of these is ready or the time is over; `None` waits for
/// ever. Whether anything is ready is in their `revents`.
pub(super) fn wait(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|duration| Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    });
    match poll(fds, timeout.as_ref()) {
        // A signal is as good as a time-out: every caller looks again.
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn values_and_descriptors_arrive_and_an_end_is_seen() {
        let (ours, theirs) = pair().unwrap();
        let file = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        send(ours.as_fd(), &"both", &[file.as_fd(), file.as_fd()]).unwrap();
        let (word, files) = receive_with_files::<String>(theirs.as_fd()).unwrap().unwrap();
        assert_eq!((word.as_str(), files.len()), ("both", 2));
        send(ours.as_fd(), &"none", &[]).unwrap();
        assert!(matches!(receive_with_files::<String>(theirs.as_fd()), Err(ReceiveError::Descriptors)));
        assert!(!hung_up(theirs.as_fd()).unwrap());
        drop(ours);
        assert!(hung_up(theirs.as_fd()).unwrap());
        assert!(receive_with_files::<String>(theirs.as_fd()).unwrap().is_none());
        assert!(receive::<String>(theirs.as_fd()).unwrap().is_none());
    }

    #[test]
    fn a_datagram_that_nobody_read_is_known() {
        let (ours, theirs) = pair().unwrap();
        send(ours.as_fd(), &"unheard", &[]).unwrap();
        drop(theirs);
        assert!(matches!(receive::<String>(ours.as_fd()), Err(ReceiveError::Unheard)));
    }

    #[test]
    fn a_datagram_at_the_edge_is_taken_and_one_past_it_is_refused() {
        let (ours, theirs) = pair().unwrap();
        let text = "a".repeat(DATAGRAM_BYTES_MAX - 2);
        send(theirs.as_fd(), &text, &[]).unwrap();
        assert_eq!(receive::<String>(ours.as_fd()).unwrap(), Some(text.clone()));
        send(theirs.as_fd(), &(text + "a"), &[]).unwrap();
        assert!(matches!(receive::<String>(ours.as_fd()), Err(ReceiveError::TooLong)));
    }
}
