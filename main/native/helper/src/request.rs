//! What a client may ask for.

use crate::failure::Failure;
use crate::json::{Value, read_object};

#[derive(Debug, PartialEq)]
pub enum Request {
    Hello,
    Start { config: String },
    Route { interface: String, kill_switch: bool, lan: bool },
    Unroute { keep_blocked: bool },
    Block { lan: bool },
    Stop,
    Release,
    Status,
    Pause { seconds: u64 },
    Unpause,
}

/// The id by which the answer is known, where there is one, and the request.
pub struct Asked {
    pub id: Option<i64>,
    pub request: Result<Request, Failure>,
}

const VERSION: i64 = 1;
pub const PAUSE_SECONDS_MAX: i64 = 300;
const INTERFACE: &str = "montana";
const INTERFACE_DIGITS_MAX: usize = 3;

pub fn read_request(line: &[u8]) -> Asked {
    let read = std::str::from_utf8(line).map_err(|_| "utf8").and_then(read_object);
    let mut members = match read {
        Ok(members) => Members(members),
        Err(reason) => return Asked { id: None, request: Err(bad(reason)) },
    };
    match members.whole("id") {
        Ok(id) if id >= 0 => Asked { id: Some(id), request: members.request() },
        _ => Asked { id: None, request: Err(bad("id")) },
    }
}

fn bad(reason: &'static str) -> Failure {
    Failure::new("bad-request").text("reason", reason)
}

struct Members(Vec<(String, Value)>);

impl Members {
    fn request(mut self) -> Result<Request, Failure> {
        let request = match self.text("do")?.as_str() {
            "hello" => match self.whole("version")? {
                VERSION => Request::Hello,
                version => return Err(Failure::new("version-unsupported").whole("version", version)),
            },
            "start" => Request::Start { config: self.text("config")? },
            "route" => Request::Route {
                interface: self.interface()?,
                kill_switch: self.flag("killSwitch")?,
                lan: self.flag("lan")?,
            },
            "unroute" => Request::Unroute { keep_blocked: self.flag("keepBlocked")? },
            "block" => Request::Block { lan: self.flag("lan")? },
            "stop" => Request::Stop,
            "release" => Request::Release,
            "status" => Request::Status,
            "pause" => match self.whole("seconds")? {
                seconds @ 1..=PAUSE_SECONDS_MAX => Request::Pause { seconds: seconds.unsigned_abs() },
                _ => return Err(bad("seconds")),
            },
            "unpause" => Request::Unpause,
            _ => return Err(bad("do")),
        };
        if self.0.is_empty() { Ok(request) } else { Err(bad("members")) }
    }

    fn take(&mut self, name: &'static str) -> Result<Value, Failure> {
        let at = self.0.iter().position(|(other, _)| other == name).ok_or_else(|| bad(name))?;
        Ok(self.0.swap_remove(at).1)
    }

    fn text(&mut self, name: &'static str) -> Result<String, Failure> {
        if let Value::Text(text) = self.take(name)? { Ok(text) } else { Err(bad(name)) }
    }

    fn whole(&mut self, name: &'static str) -> Result<i64, Failure> {
        if let Value::Whole(number) = self.take(name)? { Ok(number) } else { Err(bad(name)) }
    }

    fn flag(&mut self, name: &'static str) -> Result<bool, Failure> {
        if let Value::Flag(flag) = self.take(name)? { Ok(flag) } else { Err(bad(name)) }
    }

    fn interface(&mut self) -> Result<String, Failure> {
        let name = self.text("interface")?;
        let digits = name.strip_prefix(INTERFACE).unwrap_or_default();
        let is_number =
            (1..=INTERFACE_DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|d| d.is_ascii_digit());
        if is_number { Ok(name) } else { Err(bad("interface")) }
    }
}
