//! The log: records, order, groups, offsets.
