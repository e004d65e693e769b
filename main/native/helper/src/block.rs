//! All that leads traffic into the tunnel and keeps it from going elsewhere, as one thing: set, closed, paused, taken away.

use std::io;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::firewall::{self, Table};
use crate::resolver;
use crate::reverse_path;
use crate::routes::{Family, Routes};
use crate::sys::{boot_ms, interface_index};

/// What should stand.
#[derive(Clone, Copy, PartialEq)]
struct Way {
    /// The tunnel's interface, by its index; None: nothing may leave.
    tunnel: Option<u32>,
    kill_switch: bool,
    lan: bool,
}

/// What stands.
pub struct Standing {
    pub is_routed: bool,
    pub is_blocking: bool,
}

pub struct Block {
    routes: Routes,
    /// Root's alone; for the note of `reverse_path`.
    directory: PathBuf,
    wanted: Option<Way>,
    /// Where nothing is wanted, something may be left.
    is_unclear: bool,
    /// The interface that `resolver` has been told of.
    resolved_by: Option<u32>,
    pause_ends_at_ms: Option<u64>,
}

impl Block {
    pub fn open(directory: PathBuf) -> Result<Self, Failure> {
        let routes = Routes::open().map_err(|error| refused("netlink", &error))?;
        Ok(Self { routes, directory, wanted: None, is_unclear: false, resolved_by: None, pause_ends_at_ms: None })
    }

    /// Takes over from a helper that was killed: its kill switch goes on, closed; anything else goes.
    pub fn settle(&mut self) -> Result<(), Failure> {
        if !firewall::exists(Table::KillSwitch).map_err(|error| refused("firewall", &error))? {
            return self.clear();
        }
        let lan = self.routes.read(Family::V4).map_err(|error| refused("read", &error))?;
        let lan = lan.is_some_and(|present| present.leads_past_for_lan());
        self.wanted = Some(Way { tunnel: None, kill_switch: true, lan });
        self.set_routes(None, lan)?;
        firewall::close()
    }

    /// Leads traffic into the interface. When it fails, what stood before stands. Codes: `firewall-missing`, `routes-taken`,
    /// `routes-refused`.
    pub fn route(&mut self, interface: &str, kill_switch: bool, lan: bool) -> Result<(), Failure> {
        let index = interface_index(interface).map_err(|error| refused("interface", &error))?;
        self.replace(Way { tunnel: Some(index), kill_switch, lan })
    }

    /// A kill switch without a tunnel: nothing leaves. The same codes.
    pub fn hold(&mut self, lan: bool) -> Result<(), Failure> {
        self.replace(Way { tunnel: None, kill_switch: true, lan })
    }

    fn replace(&mut self, way: Way) -> Result<(), Failure> {
        for family in Family::ALL {
            self.routes.require_ours(family)?;
        }
        if way.kill_switch {
            firewall::require()?;
        }
        let before = self.wanted;
        self.set(way).inspect_err(|_| {
            // The first failure is told; what cannot be put back blocks or is taken away with the next request.
            let _ = match before {
                Some(before) => self.set(before),
                None => self.clear(),
            };
        })
    }

    fn set(&mut self, way: Way) -> Result<(), Failure> {
        self.wanted = Some(way);
        if way.kill_switch {
            firewall::load_kill_switch(way.lan)?;
        } else {
            firewall::load_names()?;
        }
        self.set_routes(way.tunnel, way.lan)?;
        self.pause_ends_at_ms = None;
        self.lead_resolver(way.tunnel)?;
        let other = if way.kill_switch { Table::Names } else { Table::KillSwitch };
        firewall::remove(other).map_err(|error| refused("firewall", &error))
    }

    fn lead_resolver(&mut self, tunnel: Option<u32>) -> Result<(), Failure> {
        if self.resolved_by == tunnel {
            return Ok(());
        }
        self.resolved_by.take().into_iter().for_each(resolver::restore);
        tunnel.map_or(Ok(()), resolver::lead)?;
        self.resolved_by = tunnel;
        Ok(())
    }

    fn set_routes(&mut self, tunnel: Option<u32>, lan: bool) -> Result<(), Failure> {
        reverse_path::loosen(&self.directory).map_err(|error| refused("reverse-path", &error))?;
        for family in Family::ALL {
            self.routes.set(family, tunnel, lan)?;
        }
        Ok(())
    }

    /// Takes the way into the tunnel away, so that nothing leaves; where nothing stands, nothing is set.
    pub fn close(&mut self) -> Result<(), Failure> {
        let ended = self.end_pause();
        if let Some(way) = &mut self.wanted {
            way.tunnel = None;
        }
        for family in Family::ALL {
            self.routes.close(family)?;
        }
        self.lead_resolver(None).and(ended)
    }

    /// Takes everything away. All is tried; gives the first failure.
    pub fn clear(&mut self) -> Result<(), Failure> {
        self.wanted = None;
        self.pause_ends_at_ms = None;
        let outcomes = [
            self.routes.clear(Family::V4),
            self.routes.clear(Family::V6),
            self.lead_resolver(None),
            firewall::remove(Table::KillSwitch).map_err(|error| refused("firewall", &error)),
            firewall::remove(Table::Names).map_err(|error| refused("firewall", &error)),
            reverse_path::restore(&self.directory).map_err(|error| refused("reverse-path", &error)),
        ];
        let outcome: Result<(), Failure> = outcomes.into_iter().collect();
        self.is_unclear = outcome.is_err();
        outcome
    }

    /// When nobody governs any more: a kill switch holds, anything else goes.
    pub fn abandon(&mut self) -> Result<(), Failure> {
        if self.wanted.is_some_and(|way| way.kill_switch) { self.close() } else { self.clear() }
    }

    /// Puts back what another program has taken away, a firewall's reload for example.
    pub fn repair(&mut self) -> Result<(), Failure> {
        let Some(way) = self.wanted else {
            return if self.is_unclear { self.clear() } else { Ok(()) };
        };
        let stands = |table| firewall::exists(table).map_err(|error| refused("firewall", &error));
        if way.kill_switch && !stands(Table::KillSwitch)? {
            firewall::load_kill_switch(way.lan)?;
        }
        if self.pause_ends_at_ms.is_some() {
            return Ok(());
        }
        if !way.kill_switch && !stands(Table::Names)? {
            firewall::load_names()?;
        }
        match self.set_routes(way.tunnel, way.lan) {
            // The interface has gone with the engine.
            Err(failure) if way.tunnel.is_some() => {
                self.wanted = Some(Way { tunnel: None, ..way });
                self.set_routes(None, way.lan).map_err(|_| failure)
            }
            outcome => outcome,
        }
    }

    /// Lifts the block for so long; gives for how many milliseconds. None: nothing stands.
    pub fn pause(&mut self, seconds: u64) -> Result<Option<u64>, Failure> {
        let Some(way) = self.wanted else { return Ok(None) };
        let duration_ms = seconds * 1000;
        self.pause_ends_at_ms = Some(boot_ms() + duration_ms);
        if way.kill_switch {
            firewall::open(seconds)?;
        } else {
            firewall::remove(Table::Names).map_err(|error| refused("firewall", &error))?;
        }
        for family in Family::ALL {
            self.routes.clear_rules(family)?;
        }
        self.lead_resolver(None)?;
        Ok(Some(duration_ms))
    }

    pub fn end_pause(&mut self) -> Result<(), Failure> {
        let Some(way) = self.wanted.filter(|_| self.pause_ends_at_ms.is_some()) else { return Ok(()) };
        self.pause_ends_at_ms = None;
        // Either layer blocks alone, so both are tried.
        let repaired = self.repair();
        let closed = if way.kill_switch { firewall::close() } else { Ok(()) };
        repaired.and(closed).and_then(|()| self.lead_resolver(way.tunnel))
    }

    pub fn pause_ends_at_ms(&self) -> Option<u64> {
        self.pause_ends_at_ms
    }

    pub fn standing(&mut self) -> Result<Standing, Failure> {
        let mut standing = Standing {
            is_routed: false,
            is_blocking: firewall::exists(Table::KillSwitch).map_err(|error| refused("firewall", &error))?,
        };
        if let Some(present) = self.routes.read(Family::V4).map_err(|error| refused("read", &error))? {
            standing.is_routed = present.leads() && present.has_tunnel();
            standing.is_blocking |= present.has_unreachable() && !present.has_tunnel();
        }
        Ok(standing)
    }
}

fn refused(step: &str, error: &io::Error) -> Failure {
    Failure::new("routes-refused").text("step", step).errno(error)
}
