//! Tests of the public API: sources in, settings or problems out.

#[cfg(test)]
mod access;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod common;
#[cfg(test)]
mod effective;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod fallback;
#[cfg(test)]
mod includes;
#[cfg(test)]
mod litellm_page;
#[cfg(test)]
mod login;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod table;
#[cfg(test)]
mod teams;
#[cfg(test)]
mod yaml;
