//! What goes wrong, as the README names it.

use std::io;

use crate::json::{Value, write_object};

#[derive(Debug)]
pub struct Failure {
    pub code: &'static str,
    params: Vec<(&'static str, Value)>,
}

impl Failure {
    pub fn new(code: &'static str) -> Self {
        Self { code, params: Vec::new() }
    }

    pub fn text(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.params.push((name, Value::Text(text.into())));
        self
    }

    pub fn whole(mut self, name: &'static str, number: i64) -> Self {
        self.params.push((name, Value::Whole(number)));
        self
    }

    pub fn errno(self, error: &io::Error) -> Self {
        self.whole("errno", error.raw_os_error().unwrap_or(0).into())
    }

    /// As the value of the member `error`.
    pub fn into_value(self) -> Value {
        Value::Object(vec![("code", Value::Text(self.code.into())), ("params", Value::Object(self.params))])
    }

    pub fn into_line(self) -> String {
        write_object(&[("error", self.into_value())])
    }
}
