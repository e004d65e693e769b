//! As much JSON as the interface has: flat objects come in, objects of objects go out.

use std::fmt::Write;

#[derive(Debug, PartialEq)]
pub enum Value {
    Text(String),
    Whole(i64),
    Flag(bool),
    Null,
    Object(Vec<(&'static str, Value)>),
}

const MEMBERS_MAX: usize = 8;
/// 2^53 - 1, the largest whole number that every reader of JSON holds exactly.
const WHOLE_MAX: i64 = 9_007_199_254_740_991;

/// Members of a flat object in their order. Gives what is wrong with a text that is none.
pub fn read_object(text: &str) -> Result<Vec<(String, Value)>, &'static str> {
    let mut reader = Reader { text, at: 0 };
    let mut members: Vec<(String, Value)> = Vec::new();
    reader.skip_space();
    reader.expect(b'{')?;
    reader.skip_space();
    if !reader.takes(b'}') {
        loop {
            reader.skip_space();
            reader.expect(b'"')?;
            let name = reader.string()?;
            if members.len() == MEMBERS_MAX || members.iter().any(|(other, _)| *other == name) {
                return Err("members");
            }
            reader.skip_space();
            reader.expect(b':')?;
            reader.skip_space();
            members.push((name, reader.value()?));
            reader.skip_space();
            if reader.takes(b'}') {
                break;
            }
            reader.expect(b',')?;
        }
    }
    reader.skip_space();
    if reader.at == text.len() { Ok(members) } else { Err("syntax") }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), &'static str> {
        if self.takes(byte) { Ok(()) } else { Err("syntax") }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Value, &'static str> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string().map(Value::Text)
            }
            Some(b't') => self.word("true", Value::Flag(true)),
            Some(b'f') => self.word("false", Value::Flag(false)),
            Some(b'-' | b'0'..=b'9') => self.whole(),
            _ => Err("value"),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, &'static str> {
        if !self.text[self.at..].starts_with(word) {
            return Err("syntax");
        }
        self.at += word.len();
        Ok(value)
    }

    fn whole(&mut self) -> Result<Value, &'static str> {
        let start = self.at;
        self.takes(b'-');
        let digits = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        let leads_with_zero = self.at - digits > 1 && self.text.as_bytes()[digits] == b'0';
        match self.text[start..self.at].parse::<i64>() {
            Ok(number) if !leads_with_zero && number.abs() <= WHOLE_MAX => Ok(Value::Whole(number)),
            _ => Err("number"),
        }
    }

    /// The opening quote is behind the reader.
    fn string(&mut self) -> Result<String, &'static str> {
        let mut out = String::new();
        loop {
            let plain = self.text[self.at..].find(|c: char| c == '"' || c == '\\' || c < ' ').ok_or("syntax")?;
            out.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
            if self.takes(b'"') {
                return Ok(out);
            }
            self.expect(b'\\')?;
            out.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Result<char, &'static str> {
        let byte = self.peek().ok_or("syntax")?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    return char::from_u32(unit).ok_or("syntax");
                }
                self.expect(b'\\')?;
                self.expect(b'u')?;
                let low = self.unit()?;
                if !(0xdc00..0xe000).contains(&low) {
                    return Err("syntax");
                }
                return char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)).ok_or("syntax");
            }
            _ => return Err("syntax"),
        })
    }

    fn unit(&mut self) -> Result<u32, &'static str> {
        let digits = self.text.get(self.at..self.at + 4).ok_or("syntax")?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err("syntax");
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| "syntax")
    }
}

pub fn write_object(members: &[(&'static str, Value)]) -> String {
    let mut out = String::new();
    write_members(&mut out, members);
    out
}

fn write_members(out: &mut String, members: &[(&'static str, Value)]) {
    out.push('{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(out, name);
        out.push(':');
        write_value(out, value);
    }
    out.push('}');
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Text(text) => write_text(out, text),
        Value::Whole(number) => write!(out, "{number}").expect("a string takes every text"),
        Value::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Null => out.push_str("null"),
        Value::Object(members) => write_members(out, members),
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes every text"),
            c => out.push(c),
        }
    }
    out.push('"');
}
