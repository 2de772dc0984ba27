//! The shape of a record in an answer: which properties (`$select`) and which children (`$expand`), level by level.
//! As on the real system, a child that is expanded but not selected is left out once `$select` is given.

use super::error::SapError;
use super::model::Entity;
use crate::http::short;

const MAX_PATHS: usize = 100;
const MAX_LEVELS: usize = 5;

/// What one level shows.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) entity: &'static Entity,
    /// Whether each property is shown.
    pub(crate) props: Vec<bool>,
    /// What is shown of each navigation.
    pub(crate) navs: Vec<Children>,
}

/// What is shown of one navigation.
#[derive(Debug)]
pub(crate) enum Children {
    /// Nothing.
    Hidden,
    /// Its address.
    Deferred,
    /// The records themselves.
    Expanded(Shape),
}

impl Shape {
    pub(crate) fn new(
        entity: &'static Entity,
        expand: Option<&str>,
        select: Option<&str>,
    ) -> Result<Shape, SapError> {
        let mut shape = Shape::whole(entity);
        for path in paths("$expand", expand)? {
            shape.expand(path)?;
        }
        let selected = paths("$select", select)?;
        if selected.is_empty() { Ok(shape) } else { shape.select(&selected) }
    }

    /// Every property, every child by its address only.
    pub(crate) fn whole(entity: &'static Entity) -> Shape {
        let props = vec![true; entity.props.len()];
        Shape { entity, props, navs: entity.navs.iter().map(|_| Children::Deferred).collect() }
    }

    fn expand(&mut self, path: &str) -> Result<(), SapError> {
        let (first, rest) = path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
        let (slot, nav) = self
            .entity
            .nav(first)
            .ok_or_else(|| SapError::UnknownProperty { property: short(first), entity: self.entity.name })?;
        let Some(children) = self.navs.get_mut(slot) else {
            return Ok(());
        };
        if !matches!(children, Children::Expanded(_)) {
            *children = Children::Expanded(Shape::whole(nav.target.entity()));
        }
        match (children, rest) {
            (Children::Expanded(inner), Some(rest)) => inner.expand(rest),
            (Children::Expanded(_) | Children::Hidden | Children::Deferred, _) => Ok(()),
        }
    }

    fn select(self, paths: &[&str]) -> Result<Shape, SapError> {
        let mut kept = Shape { props: vec![false; self.props.len()], navs: Vec::new(), entity: self.entity };
        let mut inner: Vec<Vec<&str>> = vec![Vec::new(); self.navs.len()];
        let mut named = vec![false; self.navs.len()];
        for path in paths {
            let (first, rest) =
                path.split_once('/').map_or((*path, None), |(first, rest)| (first, Some(rest)));
            if let Some((slot, _)) = self.entity.nav(first) {
                named[slot] = true;
                inner[slot].extend(rest);
            } else if first == "*" && rest.is_none() {
                kept.props.fill(true);
            } else if let Some((slot, _)) = self.entity.prop(first).filter(|_| rest.is_none()) {
                kept.props[slot] = true;
            } else {
                return Err(SapError::UnknownProperty { property: short(path), entity: self.entity.name });
            }
        }
        for (slot, children) in self.navs.into_iter().enumerate() {
            kept.navs.push(match children {
                Children::Expanded(shape) if named[slot] && !inner[slot].is_empty() => {
                    Children::Expanded(shape.select(&inner[slot])?)
                }
                children if named[slot] => children,
                Children::Hidden | Children::Deferred | Children::Expanded(_) => Children::Hidden,
            });
        }
        Ok(kept)
    }
}

fn paths<'a>(option: &'static str, value: Option<&'a str>) -> Result<Vec<&'a str>, SapError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(Vec::new());
    };
    let paths: Vec<&str> = value.split(',').map(str::trim).take(MAX_PATHS + 1).collect();
    if paths.len() > MAX_PATHS || paths.iter().any(|path| path.split('/').count() > MAX_LEVELS) {
        let reason = format!("more than {MAX_PATHS} paths or {MAX_LEVELS} levels");
        return Err(SapError::Option { option, reason });
    }
    Ok(paths)
}
