//! What SAP Gateway says when it refuses: one type, its HTTP status, its message code and its body in JSON or XML.
//! A refusal names the part of the request that is wrong, cut short; it never repeats a body.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;
use thiserror::Error;

use crate::http::plain;

/// A refusal of the Gateway.
#[derive(Debug, Error)]
pub(crate) enum SapError {
    #[error("No service found for namespace '', name '{0}', version '0001'")]
    UnknownService(String),
    #[error("Resource not found for the segment '{0}'")]
    UnknownSegment(String),
    #[error("Resource not found for segment '{0}'")]
    NoSuchRecord(&'static str),
    #[error("Invalid key predicate for '{entity}': {reason}")]
    Key { entity: &'static str, reason: &'static str },
    #[error("Malformed URI: {0}")]
    Uri(&'static str),
    #[error("Property '{property}' not found in type '{entity}Type'")]
    UnknownProperty { property: String, entity: &'static str },
    #[error("Invalid filter: {reason} at position {position}")]
    Filter { reason: String, position: usize },
    #[error("System query option '{option}': {reason}")]
    Option { option: &'static str, reason: String },
    #[error("System query option '{0}' is not supported")]
    UnknownOption(String),
    #[error("Only JSON is spoken here: ask with $format=json or the header Accept: application/json")]
    NotAcceptable,
    #[error("The request body must be JSON: send the header Content-Type: application/json")]
    MediaType,
    #[error("Error while parsing the request body: {0}")]
    Body(String),
    #[error("{message}")]
    Business { code: &'static str, message: String, target: &'static str },
    #[error("CSRF token validation failed")]
    CsrfRequired,
    #[error("The request requires an If-Match header with the ETag of the record")]
    PreconditionRequired,
    #[error("The record was changed in the meantime; the ETag of If-Match is out of date")]
    PreconditionFailed,
    #[error("Method not allowed for this resource")]
    MethodNotAllowed,
    #[error("The request body is larger than this service accepts")]
    TooLarge,
}

impl SapError {
    /// A stable word for logs and tests.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            SapError::UnknownService(_) => "unknown_service",
            SapError::UnknownSegment(_) => "unknown_segment",
            SapError::NoSuchRecord(_) => "no_such_record",
            SapError::Key { .. } => "key",
            SapError::Uri(_) => "uri",
            SapError::UnknownProperty { .. } => "unknown_property",
            SapError::Filter { .. } => "filter",
            SapError::Option { .. } => "option",
            SapError::UnknownOption(_) => "unknown_option",
            SapError::NotAcceptable => "not_acceptable",
            SapError::MediaType => "media_type",
            SapError::Body(_) => "body",
            SapError::Business { .. } => "business",
            SapError::CsrfRequired => "csrf_required",
            SapError::PreconditionRequired => "precondition_required",
            SapError::PreconditionFailed => "precondition_failed",
            SapError::MethodNotAllowed => "method_not_allowed",
            SapError::TooLarge => "too_large",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            SapError::UnknownService(_) => StatusCode::FORBIDDEN,
            SapError::UnknownSegment(_) | SapError::NoSuchRecord(_) => StatusCode::NOT_FOUND,
            SapError::Key { .. }
            | SapError::Uri(_)
            | SapError::UnknownProperty { .. }
            | SapError::Filter { .. }
            | SapError::Option { .. }
            | SapError::UnknownOption(_)
            | SapError::Body(_)
            | SapError::Business { .. } => StatusCode::BAD_REQUEST,
            SapError::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            SapError::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            SapError::CsrfRequired => StatusCode::FORBIDDEN,
            SapError::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            SapError::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            SapError::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            SapError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            SapError::UnknownService(_) => "/IWFND/MED/170",
            SapError::UnknownSegment(_) => "005056A509B11EE1B9A8FEC11C21D78E",
            SapError::NoSuchRecord(_) => "/IWBEP/CM_MGW_RT/020",
            SapError::Key { .. } | SapError::Uri(_) => "/IWCOR/CX_OD_URI_SYNTAX_ERROR",
            SapError::UnknownProperty { .. } | SapError::Filter { .. } => "/IWCOR/CX_OD_EXPR_PARSER_ERROR",
            SapError::Option { .. } | SapError::UnknownOption(_) => "/IWBEP/CM_MGW_RT/026",
            SapError::NotAcceptable | SapError::MediaType => "/IWFND/CM_CORE/003",
            SapError::Body(_) | SapError::TooLarge => "/IWBEP/CM_MGW_RT/176",
            SapError::Business { code, .. } => code,
            SapError::CsrfRequired => "/IWFND/CM_CSRF/001",
            SapError::PreconditionRequired | SapError::PreconditionFailed => "/IWBEP/CM_MGW_RT/106",
            SapError::MethodNotAllowed => "/IWBEP/CM_MGW_RT/022",
        }
    }

    fn target(&self) -> &'static str {
        if let SapError::Business { target, .. } = self { target } else { "" }
    }

    /// The answer as the client asked for it: JSON, or SAP's XML when JSON was not asked for.
    pub(crate) fn response(&self, json: bool) -> Response<Body> {
        if matches!(self, SapError::CsrfRequired) {
            let mut response = plain(StatusCode::FORBIDDEN, "text/plain; charset=utf-8", self.to_string());
            let _previous =
                response.headers_mut().insert("x-csrf-token", HeaderValue::from_static("Required"));
            return response;
        }
        error_body(self.status(), self.code(), &self.to_string(), self.target(), json)
    }
}

/// An error answer in SAP's shape.
pub(crate) fn error_body(
    status: StatusCode,
    code: &str,
    message: &str,
    target: &str,
    json: bool,
) -> Response<Body> {
    if !json {
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><error xmlns=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\"><code>{}</code><message xml:lang=\"en\">{}</message></error>",
            escape_xml(code),
            escape_xml(message)
        );
        return plain(status, "application/xml;charset=utf-8", xml);
    }
    let body = json!({"error": {
        "code": code,
        "message": {"lang": "en", "value": message},
        "innererror": {
            "application": {"component_id": "SD-SLS", "service_namespace": "/SAP/", "service_id": "", "service_version": "0001"},
            "transactionid": uuid::Uuid::now_v7().simple().to_string().to_uppercase(),
            "timestamp": "",
            "Error_Resolution": {
                "SAP_Transaction": "For backend administrators: use ADT feed reader \"SAP Gateway Error Log\"",
                "SAP_Note": "See SAP Note 1797736 for error analysis (https://service.sap.com/sap/support/notes/1797736)"
            },
            "errordetails": [{"code": code, "message": message, "propertyref": "", "severity": "error", "target": target}]
        }
    }});
    plain(status, "application/json;charset=utf-8", body.to_string())
}

/// Gateway's answer to wrong or missing credentials: HTML, whatever was asked for.
pub(crate) fn logon_failed() -> Response<Body> {
    let html = "<html><head><title>Logon failed</title></head><body><h1>Logon failed</h1>\
                <p>You are not authorized to use this service: the user or the password is wrong.</p>\
                <p>HTTP 401 - Unauthorized</p></body></html>";
    let mut response = plain(StatusCode::UNAUTHORIZED, "text/html; charset=utf-8", html.to_owned());
    let _previous = response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"SAP NetWeaver Application Server [S4H/100]\""),
    );
    response
}

/// Text safe inside an XML element or attribute.
pub(crate) fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
