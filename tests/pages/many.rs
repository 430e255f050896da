//! Many sites cost their share of a list, and a few cost a call each.

use crate::common::{artifact, block_on};
use crate::place::{Place, site};
use mycelia_spore::observed::Look;
use mycelia_spore::plan::Plan;

#[test]
fn calls_grow_with_the_pages_of_the_list_and_not_with_the_sites() {
    block_on(async {
        let place = Place::new();
        let files = artifact(&[("index.html", "one")]);
        let ids: Vec<String> = (0..300).map(|number| format!("site-{number}")).collect();
        place.apply(&site(&ids[0], &[]), &files).await;
        let account = place.fake.account().to_owned();
        {
            // The same project three hundred times, each with the mark of its site.
            let mut state = place.fake.state();
            let first = state.project(&account, &ids[0]).ok().unwrap().clone();
            let projects = &mut state.accounts.get_mut(&account).unwrap().projects;
            for id in &ids[1..] {
                let mut project = first.clone();
                project.name.clone_from(id);
                let mark = &mut project.deployment_configs["production"]["env_vars"];
                let mark = &mut mark["MYCELIA_SPORE"]["value"];
                *mark = mark.as_str().unwrap().replace(&ids[0], id).into();
                projects.insert(id.clone(), project);
            }
        }
        let place = place.restarted();
        let calls = async |count: usize, place: &Place| {
            place.fake.clear_calls();
            for id in &ids[..count] {
                let site = site(id, &[]);
                let plan = place.plan_looking(&site, Some(&files), Look::Passing);
                assert_eq!(plan.await, Plan::default(), "{id}");
            }
            place.fake.calls().len()
        };
        assert_eq!(calls(1, &place).await, 1);
        let place = place.restarted();
        assert_eq!(calls(3, &place).await, 3);
        // 30 pages of 10, after a few single reads.
        let place = place.restarted();
        let all = calls(300, &place).await;
        assert!(all <= 300 * 15 / 100, "{all} calls");
        // The list serves for a while, and not for what was changed since.
        assert_eq!(calls(300, &place).await, 0);
        let other = artifact(&[("index.html", "two")]);
        let changed = site(&ids[7], &[]);
        place.apply(&changed, &other).await;
        let looked = place.plan_looking(&changed, Some(&other), Look::Passing);
        assert_eq!(looked.await, Plan::default());
    });
}
