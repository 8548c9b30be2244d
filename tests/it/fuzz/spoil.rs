//! Damaged bytes: some turned, cut, doubled, moved, or replaced by what parsers stumble over.

/// A source of damaged bytes; the same seed gives the same ones.
pub(crate) struct Spoil(u64);

impl Spoil {
    pub(crate) fn new(seed: u64) -> Spoil {
        Spoil(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns one of these, damaged a few times, perhaps crossed with another.
    pub(crate) fn one_of(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(6) {
            let (at, length) = (self.below(bytes.len() + 1), self.below(32) + 1);
            let end = (at + length).min(bytes.len());
            match self.below(9) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.drain(at..end)),
                2 => bytes.truncate(at),
                3 => {
                    let part = bytes[at..end].repeat(1 + self.below(8));
                    bytes.splice(at..at, part);
                }
                4 => {
                    let word = WORDS[self.below(WORDS.len())];
                    bytes.splice(at..end, word.iter().copied());
                }
                5 => {
                    let word = WORDS[self.below(WORDS.len())];
                    bytes.splice(at..at, word.iter().copied());
                }
                6 => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len() + 1);
                    bytes.splice(at.., other[from..].iter().copied());
                }
                7 => {
                    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
                    let (one, two) = (self.below(lines.len()), self.below(lines.len()));
                    let mut lines = lines;
                    lines.swap(one, two);
                    bytes = lines.join(&b'\n');
                }
                _ => {
                    let byte = u8::try_from(self.below(256)).unwrap();
                    bytes.insert(at, byte);
                }
            }
        }
        bytes
    }

    /// Marsaglia's xorshift, below a bound.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound
    }
}

const WORDS: [&[u8]; 36] = [
    b"",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xe2\x80\xa8",
    b"\r\n",
    b"\n\n",
    b"\t",
    b"---\n",
    b"...\n",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!binary ",
    b"? ",
    b"- ",
    b": ",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"'",
    b"\\u0000",
    b"\\ud800",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"0x7fffffff",
    b"99999999999999h",
    b"\xc2\xabuser.password\xc2\xbb",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n",
];
