//! Publishing, and not publishing.

use crate::common::{artifact, block_on};
use crate::setup::Place;
use mycelia_spore::plan::Plan;

#[test]
fn a_site_is_published_and_the_next_plan_is_empty() {
    block_on(async {
        let place = Place::new();
        let site = place.site("blog", &[]);
        let files = artifact(&[("index.html", "one"), ("a/b.css", "b{}")]);
        let applying = place.apply(&site, &files).await;
        assert!(applying.errors.is_empty(), "{:?}", applying.errors);
        let place = place.restarted();
        place.fake.clear_calls();
        assert_eq!(place.plan(&site, Some(&files)).await, Plan::default());
        assert_eq!(place.fake.calls().len(), 1);
    });
}
