//! A form, and what it may be answered with.

use codex_appserver_methods::protocol::FormMcpServerElicitationRequestParams;
use serde_json::{Map, Value};

use super::field::Field;

/// A form that an MCP server wants the user to fill in (`mcpServer/elicitation/request` of the mode `form`).
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    request: Box<FormMcpServerElicitationRequestParams>,
    fields: Vec<Field>,
}

/// The answer to a [`Form`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FormAnswer {
    /// The form with these values, by the names of the fields. If they are not what the form asks for
    /// ([`Form::check`]), the form is declined.
    Submit(Map<String, Value>),
    /// The user does not want to fill it in.
    Decline,
    /// The user has put it away without an answer.
    Cancel,
}

/// Why values are not what a form asks for; completes "failed to …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// A required field has no value.
    #[error("fill in `{field}`: it is required")]
    Missing {
        /// The name of the field.
        field: String,
    },
    /// The form has no such field.
    #[error("fill in `{field}`: the form has no such field")]
    Unknown {
        /// The name of the value.
        field: String,
    },
    /// A value is not what its field takes.
    #[error("fill in `{field}`: it takes {expected}")]
    Invalid {
        /// The name of the field.
        field: String,
        /// What it takes.
        expected: String,
    },
}

impl Form {
    pub(crate) fn new(request: Box<FormMcpServerElicitationRequestParams>) -> Self {
        let schema = &request.requested_schema;
        let required = schema.required.as_deref().unwrap_or_default();
        let fields = schema
            .properties
            .iter()
            .map(|(name, field)| Field::new(name.clone(), field, required.contains(name)))
            .collect();
        Self { request, fields }
    }

    /// The request as it came.
    pub fn request(&self) -> &FormMcpServerElicitationRequestParams {
        &self.request
    }

    /// The MCP server, by its name in codex's configuration.
    pub fn server(&self) -> &str {
        &self.request.server_name
    }

    /// What the MCP server wants, in its own words.
    pub fn message(&self) -> &str {
        &self.request.message
    }

    /// The fields, sorted by name.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether these values are what the form asks for: all that is required, nothing else, each of its field's type and
    /// within its limits. Formats such as `email` are left to the MCP server.
    ///
    /// # Errors
    ///
    /// The first value that is not.
    pub fn check(&self, values: &Map<String, Value>) -> Result<(), FormError> {
        let missing = |field: &&Field| field.required && !values.contains_key(&field.name);
        if let Some(field) = self.fields.iter().find(missing) {
            return Err(FormError::Missing { field: field.name.clone() });
        }
        // A form may require what it does not describe, which no value can satisfy.
        let described = |name: &String| self.fields.iter().any(|field| field.name == *name);
        let required = self.request.requested_schema.required.iter().flatten();
        if let Some(field) = required.into_iter().find(|name| !described(name)) {
            return Err(FormError::Missing { field: field.clone() });
        }
        values.iter().try_for_each(|(name, value)| {
            let field = self.fields.iter().find(|field| field.name == *name);
            field.ok_or_else(|| FormError::Unknown { field: name.clone() })?.check(value)
        })
    }
}
