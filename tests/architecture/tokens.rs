//! Rust's tokens with their lines, comments left out. A parser crate would have to be built for this alone.

/// One token, or a group of them in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    /// The line that it begins on, from 1.
    pub(crate) line: usize,
    /// The line that it ends on.
    pub(crate) end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name or keyword.
    Name(String),
    /// A character, a string or a number, as it is written.
    Literal(String),
    /// A lifetime's name or a label's.
    Lifetime,
    Punctuation(char),
    /// What stands in brackets, with the opening one.
    Group(char, Vec<Token>),
}

impl Token {
    pub(crate) fn is(&self, character: char) -> bool {
        self.kind == TokenKind::Punctuation(character)
    }

    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name() == Some(name)
    }

    pub(crate) fn name(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Returns what stands in brackets of this kind.
    pub(crate) fn group(&self, bracket: char) -> Option<&[Token]> {
        match &self.kind {
            TokenKind::Group(open, tokens) if *open == bracket => Some(tokens),
            _ => None,
        }
    }

    /// Returns what stands in brackets of any kind.
    pub(crate) fn inner(&self) -> Option<&[Token]> {
        match &self.kind {
            TokenKind::Group(_, tokens) => Some(tokens),
            _ => None,
        }
    }
}

/// Calls `visit` with the tokens of every level, outermost first.
pub(crate) fn each_level(tokens: &[Token], visit: &mut impl FnMut(&[Token])) {
    visit(tokens);
    for inner in tokens.iter().filter_map(Token::inner) {
        each_level(inner, visit);
    }
}

/// Reads a file. It compiles, so that no bracket is left open.
pub(crate) fn read(text: &str) -> Vec<Token> {
    let mut reader = Reader {
        rest: text,
        line: 1,
    };
    let tokens = reader.until(None);
    assert!(reader.rest.is_empty(), "line {}: no token", reader.line);
    tokens
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    /// Reads up to a closing bracket, or to the end.
    fn until(&mut self, close: Option<char>) -> Vec<Token> {
        let mut tokens = Vec::new();
        while let Some(first) = self.rest.chars().next() {
            let line = self.line;
            let kind = if first.is_whitespace() {
                self.take(first.len_utf8());
                continue;
            } else if self.rest.starts_with("//") {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
                continue;
            } else if self.rest.starts_with("/*") {
                self.take(block_comment(self.rest));
                continue;
            } else if Some(first) == close {
                break;
            } else if let Some(length) = string(self.rest) {
                TokenKind::Literal(self.take(length))
            } else if first == '\'' {
                match character(self.rest) {
                    Some(length) => TokenKind::Literal(self.take(length)),
                    None => {
                        self.take(1 + word(&self.rest[1..]));
                        TokenKind::Lifetime
                    }
                }
            } else if first.is_ascii_digit() {
                TokenKind::Literal(self.take(number(self.rest)))
            } else if is_in_word(first) {
                let raw = if self.rest.starts_with("r#") { 2 } else { 0 };
                let name = self.take(raw + word(&self.rest[raw..]));
                TokenKind::Name(name[raw..].to_owned())
            } else if let Some(closing) = closing(first) {
                self.take(1);
                let inner = self.until(Some(closing));
                self.take(1);
                TokenKind::Group(first, inner)
            } else {
                self.take(first.len_utf8());
                TokenKind::Punctuation(first)
            };
            tokens.push(Token {
                kind,
                line,
                end: self.line,
            });
        }
        tokens
    }

    fn take(&mut self, length: usize) -> String {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken.to_owned()
    }
}

fn is_in_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn word(text: &str) -> usize {
    text.find(|letter| !is_in_word(letter))
        .unwrap_or(text.len())
}

fn closing(open: char) -> Option<char> {
    match open {
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        _ => None,
    }
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        let step = match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => 1,
            [b'*', b'/', ..] => -1,
            [] => return at,
            _ => 0,
        };
        depth += step;
        at += if step == 0 { 1 } else { 2 };
        if depth == 0 {
            return at;
        }
    }
}

/// Returns the length of a string that the text begins with: `"…"`, `b"…"`, `r#"…"#` and the like.
fn string(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r"]
        .into_iter()
        .find(|prefix| text.starts_with(prefix))
        .unwrap_or_default();
    if text[prefix.len()..].starts_with('\'') && prefix == "b" {
        return character(&text[1..]).map(|length| length + 1);
    }
    let hashes = text[prefix.len()..].len() - text[prefix.len()..].trim_start_matches('#').len();
    let start = prefix.len() + hashes + 1;
    if !text[start - 1..].starts_with('"') || hashes > 0 && !prefix.ends_with('r') {
        return None;
    }
    if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(start + text[start..].find(&end)? + end.len());
    }
    Some(start + escaped_until(&text[start..], '"')?)
}

/// Returns the length of a character that the text begins with; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let mut letters = text[1..].chars();
    match (letters.next()?, letters.next()?) {
        ('\\', _) => Some(1 + escaped_until(&text[1..], '\'')?),
        (letter, '\'') => Some(2 + letter.len_utf8()),
        _ => None,
    }
}

/// Returns where the text goes on after this end, which a backslash takes the meaning from.
fn escaped_until(text: &str, end: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        if letter == end && !is_escaped {
            return Some(at + 1);
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    None
}

/// `1.5e3` is one number; `1..2` and `1.max(2)` are not.
fn number(text: &str) -> usize {
    let whole = word(text);
    let fraction = &text[whole..];
    let is_fraction = fraction.starts_with('.')
        && fraction[1..].starts_with(|letter: char| letter.is_ascii_digit());
    if is_fraction {
        whole + 1 + word(&fraction[1..])
    } else {
        whole
    }
}

#[cfg(test)]
mod tests_of_this {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::comments("a // b\n/* c /* d */ e */ f", "a f")]
    #[case::strings(
        r####"x = "a\"b" r#"c"d"# b"e" br"f\" c"g";"####,
        r####"x = "a\"b" r#"c"d"# b"e" br"f\" c"g" ;"####
    )]
    #[case::characters(r"'a' '\'' '\u{1F600}' b'\\' '本'", r"'a' '\'' '\u{1F600}' b'\\' '本'")]
    #[case::lifetimes("&'a str 'static", "& ' str '")]
    #[case::numbers("1..2 1.5e3 1.max(2) 0x_ff", "1 . . 2 1.5e3 1 . max (2 0x_ff")]
    #[case::names("r#type bread crate", "type bread crate")]
    #[case::groups("f(a, [b]) { c }", "f (a , [b {c")]
    fn tokens_are_read(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(shown(&read(text)), expected);
    }

    fn shown(tokens: &[Token]) -> String {
        let texts = tokens.iter().map(|token| match &token.kind {
            TokenKind::Name(text) | TokenKind::Literal(text) => text.clone(),
            TokenKind::Lifetime => "'".to_owned(),
            TokenKind::Punctuation(character) => character.to_string(),
            TokenKind::Group(open, inner) => format!("{open}{}", shown(inner)),
        });
        texts.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lines_are_known() {
        let tokens = read("a\n\"b\nc\" {\n}\n");
        let lines: Vec<_> = tokens.iter().map(|token| (token.line, token.end)).collect();
        assert_eq!(lines, [(1, 1), (2, 3), (3, 4)]);
    }
}
