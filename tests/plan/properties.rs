//! What holds for every plan.

use crate::common;
use crate::world::{World, now, worlds};
use mycelia_spore::hosting::memory::Memory;
use mycelia_spore::model::Ensure;
use mycelia_spore::observed::{ObservedSite, Ownership};
use mycelia_spore::plan::{Action, HostingAction, Plan};
use mycelia_spore::report::StepOutcome;
use proptest::prelude::*;

fn plan(world: &World, observed: &ObservedSite) -> Plan {
    Plan::between(
        &world.desired,
        world.artifact(),
        observed,
        &world.policy,
        &world.standing,
    )
}

/// What is there, and the plan for it.
fn planned(world: &World) -> (Memory, ObservedSite, Plan) {
    let backend = world.backend();
    let observed = now(common::observe(&backend, &world.desired));
    let plan = plan(world, &observed);
    (backend, observed, plan)
}

fn actions(plan: &Plan) -> impl Iterator<Item = &HostingAction> {
    plan.steps.iter().map(|step| {
        let Action::Hosting(action) = &step.action else {
            panic!("{}", step.action)
        };
        action
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_same_inputs_give_the_same_plan(world in worlds()) {
        let (backend, observed, first) = planned(&world);
        prop_assert_eq!(&plan(&world, &observed), &first);
        // Planning has changed nothing.
        prop_assert_eq!(now(common::observe(&backend, &world.desired)), observed);
    }

    #[test]
    fn after_a_plan_was_applied_nothing_is_left_to_do(world in worlds()) {
        let (backend, _, first) = planned(&world);
        let applying = now(common::apply(&backend, &first));
        for step in &applying.steps {
            prop_assert_eq!(step.outcome, StepOutcome::Done, "{}", step.detail);
        }
        let second = plan(&world, &now(common::observe(&backend, &world.desired)));
        prop_assert_eq!(&second.steps, &[]);
        prop_assert_eq!(second.withheld, first.withheld);
    }

    #[test]
    fn only_what_should_be_absent_is_removed(world in worlds()) {
        let (_, observed, plan) = planned(&world);
        let removes = actions(&plan).any(|action| matches!(action, HostingAction::Remove { .. }));
        let ours = observed.hosting.is_some_and(|found| found.ownership == Ownership::Ours);
        let unwanted = world.desired.ensure == Ensure::Absent;
        prop_assert_eq!(removes, unwanted && ours && !world.standing.protected);
    }

    #[test]
    fn what_belongs_to_others_is_never_touched(world in worlds()) {
        let (_, observed, plan) = planned(&world);
        let present = world.desired.ensure == Ensure::Present;
        let forbidden = match observed.hosting.as_ref().map(|found| &found.ownership) {
            Some(Ownership::Foreign { .. }) => true,
            Some(Ownership::Unmarked) => !(present && world.policy.adopt),
            Some(Ownership::Ours) | None => present && !observed.taken.is_empty(),
        };
        if forbidden {
            prop_assert_eq!(&plan.steps, &[]);
            // And the author of the message learns why.
            prop_assert_eq!(plan.refuses(), world.desired.ensure != Ensure::Paused);
        }
    }

    #[test]
    fn steps_are_about_the_site_alone(world in worlds()) {
        let (backend, _, plan) = planned(&world);
        for action in actions(&plan) {
            prop_assert_eq!(action.key(), &world.desired.hosting.key);
        }
        // Carrying them out changes no other project.
        let others: Vec<_> = ["one", "two", "three"]
            .into_iter()
            .filter(|id| *id != world.desired.hosting.key.project.as_str())
            .map(|id| common::desired(id, common::keeping(5), common::names(&[])))
            .collect();
        let look = || -> Vec<_> {
            let one = |site| now(common::observe(&backend, site)).hosting;
            others.iter().map(one).collect()
        };
        let before = look();
        now(common::apply(&backend, &plan));
        prop_assert_eq!(look(), before);
    }

    #[test]
    fn what_is_paused_is_left_alone(mut world in worlds()) {
        world.desired.ensure = Ensure::Paused;
        prop_assert_eq!(planned(&world).2, Plan::default());
    }

    #[test]
    fn either_something_is_done_or_it_is_as_asked_or_the_reason_is_told(world in worlds()) {
        let (_, observed, plan) = planned(&world);
        if world.desired.ensure != Ensure::Present || !plan.is_empty() || !plan.withheld.is_empty() {
            return Ok(());
        }
        let Some(found) = observed.hosting else {
            // Without an artifact there is nothing that could be published.
            prop_assert!(world.artifact().is_none());
            return Ok(());
        };
        prop_assert_eq!(&found.names, &world.desired.hosting.names);
        if let Some(artifact) = world.artifact() {
            prop_assert_eq!(found.artifact, Some(artifact.digest()));
            prop_assert_eq!(found.rules, Some(world.desired.hosting.rules.digest()));
        }
    }
}
