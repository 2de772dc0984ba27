//! Peyvand joins chat channels to a company's CRM, ERP and own systems through Kafka. This library is what all workers share.

pub mod language;
