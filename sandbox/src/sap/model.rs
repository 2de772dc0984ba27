//! The services, entity types and properties this stand-in offers, as data: the URL parser, the filter, the JSON writer, the
//! body checker and `$metadata` all read the same tables, so that they cannot disagree. Field names and lengths are SAP's own.
//! This module may hold no behaviour beyond looking things up.

/// The type of a property on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edm {
    /// Text with its greatest length in characters.
    Text(usize),
    /// Text with SAP's ALPHA conversion: a number shown without its leading zeros and compared as if it had them.
    Alpha(usize),
    /// Precision and scale; a JSON string on the wire, never a number.
    Decimal(u32, u32),
    /// `Edm.DateTime` used as a calendar date.
    Date,
    /// `Edm.DateTimeOffset`.
    Instant,
}

/// Who may write a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Set by the system alone.
    Read,
    /// May be given when the record is created.
    Create,
    /// May also be changed later.
    Change,
}

/// One property of an entity type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prop {
    pub(crate) name: &'static str,
    pub(crate) edm: Edm,
    pub(crate) access: Access,
}

impl Prop {
    const fn create(self) -> Prop {
        Prop { access: Access::Create, ..self }
    }
    const fn change(self) -> Prop {
        Prop { access: Access::Change, ..self }
    }
}

/// One navigation from a record to its children. All navigations here go down and to many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nav {
    pub(crate) name: &'static str,
    pub(crate) target: Set,
}

/// The entity sets, also the index of their tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    SalesOrder,
    SalesOrderItem,
    ScheduleLine,
    Stock,
    Product,
    ProductDescription,
    Partner,
    PartnerAddress,
}

/// One OData service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    SalesOrder,
    MaterialStock,
    Product,
    BusinessPartner,
}

/// One entity type with its set.
#[derive(Debug)]
pub(crate) struct Entity {
    pub(crate) set: Set,
    pub(crate) service: Service,
    pub(crate) name: &'static str,
    /// How many of the first properties form the key. A child's key is its parent's key and one part more.
    pub(crate) keys: usize,
    pub(crate) props: &'static [Prop],
    pub(crate) navs: &'static [Nav],
    /// The property whose change makes the record another version.
    pub(crate) etag: Option<&'static str>,
}

impl Entity {
    pub(crate) fn type_name(&self) -> String {
        format!("{}Type", self.name)
    }
    pub(crate) fn prop(&self, name: &str) -> Option<(usize, &'static Prop)> {
        self.props.iter().enumerate().find(|(_, prop)| prop.name == name)
    }
    pub(crate) fn nav(&self, name: &str) -> Option<(usize, &'static Nav)> {
        self.navs.iter().enumerate().find(|(_, nav)| nav.name == name)
    }
}

impl Set {
    pub(crate) const ALL: [Set; 8] = [
        Set::SalesOrder,
        Set::SalesOrderItem,
        Set::ScheduleLine,
        Set::Stock,
        Set::Product,
        Set::ProductDescription,
        Set::Partner,
        Set::PartnerAddress,
    ];

    pub(crate) fn entity(self) -> &'static Entity {
        match self {
            Set::SalesOrder => &SALES_ORDER,
            Set::SalesOrderItem => &SALES_ORDER_ITEM,
            Set::ScheduleLine => &SCHEDULE_LINE,
            Set::Stock => &STOCK,
            Set::Product => &PRODUCT,
            Set::ProductDescription => &PRODUCT_DESCRIPTION,
            Set::Partner => &PARTNER,
            Set::PartnerAddress => &PARTNER_ADDRESS,
        }
    }
}

impl Service {
    pub(crate) const ALL: [Service; 4] =
        [Service::SalesOrder, Service::MaterialStock, Service::Product, Service::BusinessPartner];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::SalesOrder => "API_SALES_ORDER_SRV",
            Service::MaterialStock => "API_MATERIAL_STOCK_SRV",
            Service::Product => "API_PRODUCT_SRV",
            Service::BusinessPartner => "API_BUSINESS_PARTNER",
        }
    }
    pub(crate) fn by_name(name: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|service| service.name() == name)
    }
    pub(crate) fn entities(self) -> impl Iterator<Item = &'static Entity> {
        Set::ALL.into_iter().map(Set::entity).filter(move |entity| entity.service == self)
    }
    pub(crate) fn entity(self, name: &str) -> Option<&'static Entity> {
        self.entities().find(|entity| entity.name == name)
    }
}

const fn prop(name: &'static str, edm: Edm) -> Prop {
    Prop { name, edm, access: Access::Read }
}
const fn text(name: &'static str, max: usize) -> Prop {
    prop(name, Edm::Text(max))
}
const fn alpha(name: &'static str, max: usize) -> Prop {
    prop(name, Edm::Alpha(max))
}
const fn quantity(name: &'static str) -> Prop {
    prop(name, Edm::Decimal(15, 3))
}
const fn amount(name: &'static str) -> Prop {
    prop(name, Edm::Decimal(16, 3))
}
const fn date(name: &'static str) -> Prop {
    prop(name, Edm::Date)
}

static SALES_ORDER: Entity = Entity {
    set: Set::SalesOrder,
    service: Service::SalesOrder,
    name: "A_SalesOrder",
    keys: 1,
    props: &[
        alpha("SalesOrder", 10),
        text("SalesOrderType", 4).create(),
        text("SalesOrganization", 4).create(),
        text("DistributionChannel", 2).create(),
        text("OrganizationDivision", 2).create(),
        alpha("SoldToParty", 10).create(),
        date("CreationDate"),
        text("CreatedByUser", 12),
        date("LastChangeDate"),
        prop("LastChangeDateTime", Edm::Instant),
        text("PurchaseOrderByCustomer", 35).change(),
        date("SalesOrderDate").create(),
        amount("TotalNetAmount"),
        text("OverallDeliveryStatus", 1),
        text("OverallOrdReltdBillgStatus", 1),
        text("TransactionCurrency", 5).create(),
        date("RequestedDeliveryDate").change(),
        text("HeaderBillingBlockReason", 2).change(),
        text("DeliveryBlockReason", 2).change(),
        text("CustomerPaymentTerms", 4).change(),
        text("ExternalDocumentID", 40),
        text("OverallSDProcessStatus", 1),
        text("OverallSDDocumentRejectionSts", 1),
    ],
    navs: &[Nav { name: "to_Item", target: Set::SalesOrderItem }],
    etag: Some("LastChangeDateTime"),
};

static SALES_ORDER_ITEM: Entity = Entity {
    set: Set::SalesOrderItem,
    service: Service::SalesOrder,
    name: "A_SalesOrderItem",
    keys: 2,
    props: &[
        alpha("SalesOrder", 10),
        alpha("SalesOrderItem", 6).create(),
        text("SalesOrderItemCategory", 4),
        text("SalesOrderItemText", 40).create(),
        text("PurchaseOrderByCustomer", 35),
        alpha("Material", 40).create(),
        quantity("RequestedQuantity").create(),
        text("RequestedQuantityUnit", 3).create(),
        quantity("ConfdDelivQtyInOrderQtyUnit"),
        text("TransactionCurrency", 5),
        amount("NetAmount"),
        text("MaterialGroup", 9),
        text("ProductionPlant", 4).create(),
        text("StorageLocation", 4),
        text("ShippingPoint", 4),
        text("SalesDocumentRjcnReason", 2),
        text("SDProcessStatus", 1),
        text("DeliveryStatus", 1),
        text("OrderRelatedBillingStatus", 1),
    ],
    navs: &[Nav { name: "to_ScheduleLine", target: Set::ScheduleLine }],
    etag: None,
};

static SCHEDULE_LINE: Entity = Entity {
    set: Set::ScheduleLine,
    service: Service::SalesOrder,
    name: "A_SalesOrderScheduleLine",
    keys: 3,
    props: &[
        alpha("SalesOrder", 10),
        alpha("SalesOrderItem", 6),
        alpha("ScheduleLine", 4),
        date("RequestedDeliveryDate"),
        date("ConfirmedDeliveryDate"),
        text("OrderQuantityUnit", 3),
        quantity("ScheduleLineOrderQuantity"),
        quantity("ConfdOrderQtyByMatlAvailCheck"),
        quantity("DeliveredQtyInOrderQtyUnit"),
        quantity("OpenConfdDelivQtyInOrdQtyUnit"),
        text("DelivBlockReasonForSchedLine", 2),
    ],
    navs: &[],
    etag: None,
};

static STOCK: Entity = Entity {
    set: Set::Stock,
    service: Service::MaterialStock,
    name: "A_MatlStkInAcctMod",
    keys: 11,
    props: &[
        alpha("Material", 40),
        text("Plant", 4),
        text("StorageLocation", 4),
        text("Batch", 10),
        alpha("Supplier", 10),
        alpha("Customer", 10),
        text("WBSElementInternalID", 24),
        alpha("SDDocument", 10),
        alpha("SDDocumentItem", 6),
        text("InventorySpecialStockType", 1),
        text("InventoryStockType", 2),
        text("MaterialBaseUnit", 3),
        prop("MatlWrhsStkQtyInMatlBaseUnit", Edm::Decimal(31, 14)),
    ],
    navs: &[],
    etag: None,
};

static PRODUCT: Entity = Entity {
    set: Set::Product,
    service: Service::Product,
    name: "A_Product",
    keys: 1,
    props: &[
        alpha("Product", 40),
        text("ProductType", 4),
        text("CrossPlantStatus", 2),
        date("CreationDate"),
        text("CreatedByUser", 12),
        date("LastChangeDate"),
        text("ProductGroup", 9),
        text("BaseUnit", 3),
        text("ItemCategoryGroup", 4),
        prop("LastChangeDateTime", Edm::Instant),
    ],
    navs: &[Nav { name: "to_Description", target: Set::ProductDescription }],
    etag: Some("LastChangeDateTime"),
};

static PRODUCT_DESCRIPTION: Entity = Entity {
    set: Set::ProductDescription,
    service: Service::Product,
    name: "A_ProductDescription",
    keys: 2,
    props: &[alpha("Product", 40), text("Language", 2), text("ProductDescription", 40)],
    navs: &[],
    etag: None,
};

static PARTNER: Entity = Entity {
    set: Set::Partner,
    service: Service::BusinessPartner,
    name: "A_BusinessPartner",
    keys: 1,
    props: &[
        alpha("BusinessPartner", 10),
        alpha("Customer", 10),
        text("BusinessPartnerCategory", 1),
        text("BusinessPartnerFullName", 81),
        text("OrganizationBPName1", 40),
        date("CreationDate"),
    ],
    navs: &[Nav { name: "to_BusinessPartnerAddress", target: Set::PartnerAddress }],
    etag: None,
};

static PARTNER_ADDRESS: Entity = Entity {
    set: Set::PartnerAddress,
    service: Service::BusinessPartner,
    name: "A_BusinessPartnerAddress",
    keys: 2,
    props: &[
        alpha("BusinessPartner", 10),
        alpha("AddressID", 10),
        text("CityName", 40),
        text("Country", 3),
        text("Language", 2),
        text("PostalCode", 10),
    ],
    navs: &[],
    etag: None,
};
