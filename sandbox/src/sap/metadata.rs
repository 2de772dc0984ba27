//! `$metadata` and the service document, written from the same tables that serve the requests.

use std::fmt::Write;

use super::model::{Access, Edm, Entity, Prop, Service};
use super::resource::ROOT;

/// The EDMX of a service.
pub(crate) fn edmx(service: Service) -> String {
    let namespace = service.name();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <edmx:Edmx Version=\"1.0\" xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\" \
         xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\" xmlns:sap=\"http://www.sap.com/Protocols/SAPData\">\
         <edmx:DataServices m:DataServiceVersion=\"2.0\">\
         <Schema Namespace=\"{namespace}\" xml:lang=\"en\" sap:schema-version=\"1\" xmlns=\"http://schemas.microsoft.com/ado/2008/09/edm\">"
    );
    for entity in service.entities() {
        xml.push_str(&entity_type(entity));
    }
    for entity in service.entities() {
        xml.push_str(&associations(entity, namespace));
    }
    xml.push_str(&container(service));
    xml.push_str("</Schema></edmx:DataServices></edmx:Edmx>");
    xml
}

/// The list of entity sets, in XML.
pub(crate) fn service_document(service: Service, origin: &str) -> String {
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><app:service xml:lang=\"en\" xml:base=\"{}{ROOT}/{}/\" \
         xmlns:app=\"http://www.w3.org/2007/app\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><app:workspace><atom:title>Data</atom:title>",
        super::error::escape_xml(origin),
        service.name()
    );
    for entity in service.entities() {
        let name = entity.name;
        push(
            &mut xml,
            format_args!("<app:collection href=\"{name}\"><atom:title>{name}</atom:title></app:collection>"),
        );
    }
    xml.push_str("</app:workspace></app:service>");
    xml
}

fn entity_type(entity: &Entity) -> String {
    let mut xml = format!("<EntityType Name=\"{}\" sap:content-version=\"1\"><Key>", entity.type_name());
    for prop in entity.props.iter().take(entity.keys) {
        push(&mut xml, format_args!("<PropertyRef Name=\"{}\"/>", prop.name));
    }
    xml.push_str("</Key>");
    for (index, prop) in entity.props.iter().enumerate() {
        xml.push_str(&property(prop, index < entity.keys, entity.etag == Some(prop.name)));
    }
    for nav in entity.navs {
        let association = association(entity, nav.name);
        push(
            &mut xml,
            format_args!(
                "<NavigationProperty Name=\"{}\" Relationship=\"{}.{association}\" FromRole=\"From{association}\" ToRole=\"To{association}\"/>",
                nav.name,
                entity.service.name()
            ),
        );
    }
    xml.push_str("</EntityType>");
    xml
}

fn property(prop: &Prop, key: bool, etag: bool) -> String {
    let name = prop.name;
    let mut xml = match prop.edm {
        Edm::Text(max) | Edm::Alpha(max) => {
            format!("<Property Name=\"{name}\" Type=\"Edm.String\" MaxLength=\"{max}\"")
        }
        Edm::Decimal(precision, scale) => {
            format!(
                "<Property Name=\"{name}\" Type=\"Edm.Decimal\" Precision=\"{precision}\" Scale=\"{scale}\""
            )
        }
        Edm::Date => {
            format!(
                "<Property Name=\"{name}\" Type=\"Edm.DateTime\" Precision=\"0\" sap:display-format=\"Date\""
            )
        }
        Edm::Instant => format!("<Property Name=\"{name}\" Type=\"Edm.DateTimeOffset\" Precision=\"7\""),
    };
    if key {
        xml.push_str(" Nullable=\"false\"");
    }
    if etag {
        xml.push_str(" ConcurrencyMode=\"Fixed\"");
    }
    if prop.access == Access::Read {
        xml.push_str(" sap:creatable=\"false\"");
    }
    if prop.access != Access::Change {
        xml.push_str(" sap:updatable=\"false\"");
    }
    xml.push_str("/>");
    xml
}

fn associations(entity: &Entity, namespace: &str) -> String {
    let mut xml = String::new();
    for nav in entity.navs {
        let name = association(entity, nav.name);
        push(
            &mut xml,
            format_args!(
                "<Association Name=\"{name}\" sap:content-version=\"1\">\
                 <End Type=\"{namespace}.{}\" Multiplicity=\"1\" Role=\"From{name}\"/>\
                 <End Type=\"{namespace}.{}\" Multiplicity=\"*\" Role=\"To{name}\"/></Association>",
                entity.type_name(),
                nav.target.entity().type_name()
            ),
        );
    }
    xml
}

fn container(service: Service) -> String {
    let namespace = service.name();
    let mut xml = format!(
        "<EntityContainer Name=\"{namespace}_Entities\" m:IsDefaultEntityContainer=\"true\" sap:supported-formats=\"json\">"
    );
    for entity in service.entities() {
        push(
            &mut xml,
            format_args!(
                "<EntitySet Name=\"{}\" EntityType=\"{namespace}.{}\"/>",
                entity.name,
                entity.type_name()
            ),
        );
    }
    for entity in service.entities() {
        for nav in entity.navs {
            let name = association(entity, nav.name);
            push(
                &mut xml,
                format_args!(
                    "<AssociationSet Name=\"{name}Set\" Association=\"{namespace}.{name}\">\
                     <End EntitySet=\"{}\" Role=\"From{name}\"/><End EntitySet=\"{}\" Role=\"To{name}\"/></AssociationSet>",
                    entity.name,
                    nav.target.entity().name
                ),
            );
        }
    }
    xml.push_str("</EntityContainer>");
    xml
}

fn association(entity: &Entity, nav: &str) -> String {
    format!("assoc_{}_{nav}", entity.name)
}

fn push(xml: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String cannot fail; the result says nothing.
    let _written = xml.write_fmt(text);
}
