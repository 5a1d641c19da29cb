//! The rules of the money: which transfers there are, and how an escrow ends (contract §6).

use super::money::Money;
use super::named::named;

named! {
    /// The accounts: two per wallet, two per mode.
    pub enum AccountKind {
        Available = "available",
        /// A wallet's money in escrow.
        Frozen = "frozen",
        /// The platform's fees.
        Platform = "platform",
        /// Where money comes from and goes to; the only one that may be negative.
        World = "world",
    }
}

named! {
    /// Why money moved, and a statement line's `type`.
    pub enum TransferKind {
        Deposit = "deposit",
        Withdrawal = "withdrawal",
        EscrowLock = "escrow_lock",
        EscrowRefund = "escrow_refund",
        Payout = "payout",
        Fee = "fee",
        ReferralBonus = "referral_bonus",
        Grant = "grant",
    }
}

named! {
    pub enum EscrowStatus { Held = "held", Released = "released", Refunded = "refunded", Split = "split" }
}

/// How an escrow ends: the three parts add up to what it held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    pub status: EscrowStatus,
    pub payout: Money,
    pub fee: Money,
    pub refund: Money,
}

impl Settlement {
    /// All to the human, less the fee.
    pub fn release(held: Money, fee_bps: u32) -> Self {
        Self::shared(EscrowStatus::Released, held, held, fee_bps)
    }

    /// All back to the agent, without fee.
    pub fn refund(held: Money) -> Self {
        Settlement { status: EscrowStatus::Refunded, payout: Money::ZERO, fee: Money::ZERO, refund: held }
    }

    /// `human_percent` of it to the human, less the fee on that share, both rounded down; the rest to the agent.
    pub fn split(held: Money, human_percent: u8, fee_bps: u32) -> Self {
        Self::shared(EscrowStatus::Split, held, held.percent(human_percent), fee_bps)
    }

    fn shared(status: EscrowStatus, held: Money, share: Money, fee_bps: u32) -> Self {
        let fee = share.basis_points(fee_bps);
        let minus = |a: Money, b: Money| Money::from_micros(a.micros() - b.micros());
        Settlement { status, payout: minus(share, fee), fee, refund: minus(held, share) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_task_pays_what_the_page_says() {
        let settlement = Settlement::release(Money::from_units(150), 1);
        assert_eq!((settlement.payout.to_string(), settlement.fee.to_string()), ("149.985".into(), "0.015".into()));
    }

    #[test]
    fn every_settlement_adds_up() {
        for micros in [10_000, 30_000, 1_010_000, 99_990_000, 1_000_000_000_000] {
            let held = Money::from_micros(micros);
            let splits = (1..=99).map(|percent| Settlement::split(held, percent, 1));
            for s in splits.chain([Settlement::release(held, 1), Settlement::refund(held), Settlement::release(held, 10_000)]) {
                assert_eq!(s.payout.micros() + s.fee.micros() + s.refund.micros(), micros, "{s:?}");
                assert!(s.payout >= Money::ZERO && s.fee >= Money::ZERO && s.refund >= Money::ZERO);
            }
        }
    }
}
