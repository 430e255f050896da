//! What the daemon remembers: kept as it was given, by one process at a time, whatever ends that process.

#[cfg(test)]
mod accepted;
#[cfg(test)]
mod common;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod full;
#[cfg(test)]
mod group;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lock;
#[cfg(test)]
mod model;
#[cfg(test)]
mod readers;
#[cfg(test)]
mod round_trip;
