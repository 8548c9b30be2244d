//! The bytes of all requests that a journal holds, in one ring.
//!
//! A piece of memory for each request would have to be looked up, far from the processor, only to be given back.

use std::collections::VecDeque;
use std::fmt;

/// Bytes in the order in which they came. Passwords are among them, so nothing formats them.
#[derive(Default)]
pub(super) struct Kept {
    bytes: VecDeque<u8>,
    /// How many came before them and are gone.
    gone: u64,
}

impl Kept {
    /// Keeps some more, and returns how many came before them.
    pub(super) fn push(&mut self, bytes: &[u8]) -> u64 {
        let start = self.gone + self.bytes.len() as u64;
        self.bytes.extend(bytes);
        start
    }

    /// Drops so many of the oldest.
    pub(super) fn drop_oldest(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.gone += count as u64;
        // After large requests came small ones: most of the room is for nothing.
        if self.bytes.capacity() / 4 > self.bytes.len().max(LEAST_ROOM) {
            self.bytes.shrink_to(self.bytes.len() * 2);
        }
    }

    /// Returns a copy of so many of those that are held, by how many came before them.
    pub(super) fn copy(&self, start: u64, count: usize) -> Vec<u8> {
        let start = (start - self.gone) as usize;
        let end = start + count;
        let (front, back) = self.bytes.as_slices();
        let turn = front.len();
        let parts = [&front[start.min(turn)..end.min(turn)], &back[start.saturating_sub(turn)..end.saturating_sub(turn)]];
        parts.concat()
    }
}

impl fmt::Debug for Kept {
    /// Shows how much there is and nothing of it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Kept({} bytes)", self.bytes.len())
    }
}

/// How much room is left as it is, however little of it is used.
const LEAST_ROOM: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_wherever_they_lie_and_room_for_nothing_is_given_back() {
        let piece = |number: u64| vec![number as u8; number as usize % 97 * if number < 300 { 100 } else { 1 }];
        let mut kept = Kept::default();
        let mut held: VecDeque<(u64, u64)> = VecDeque::new();
        let mut most = 0;
        for number in 0..3000 {
            held.push_back((number, kept.push(&piece(number))));
            most = most.max(kept.bytes.capacity());
            for (number, start) in &held {
                assert_eq!(kept.copy(*start, piece(*number).len()), piece(*number));
            }
            if held.len() > 7 {
                let (oldest, _) = held.pop_front().unwrap();
                kept.drop_oldest(piece(oldest).len());
            }
        }
        assert!(most > 50_000 && kept.bytes.capacity() <= 4 * LEAST_ROOM, "{most}, and then {}", kept.bytes.capacity());
    }

    #[test]
    fn nothing_of_them_is_formatted() {
        let mut kept = Kept::default();
        kept.push(b"Test12345!");
        assert_eq!(format!("{kept:?}"), "Kept(10 bytes)");
    }
}
