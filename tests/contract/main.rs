//! What every hosting backend must keep. A new backend passes by one [`Fixture`] and one line below.
#![cfg(test)]

#[path = "../fake/cloudflare/mod.rs"]
mod cloudflare;
#[path = "../common/mod.rs"]
mod common;
mod fixtures;
mod ownership;
#[path = "../pages/setup.rs"]
mod pages;
mod releases;
mod removal;

/// Runs the whole suite for one backend.
macro_rules! contract {
    ($backend:ident: $fixture:ty) => {
        mod $backend {
            contract!(@module $fixture, releases:
                nothing_is_there_at_first,
                the_plan_after_an_apply_is_empty,
                what_was_published_is_observed,
                what_the_message_leaves_out_is_no_difference,
                the_order_of_aliases_is_no_difference,
                the_next_release_keeps_the_one_before,
                publishing_twice_is_publishing_once,
                naming_twice_is_naming_once,
                going_back_twice_is_going_back_once,
                every_kept_release_can_be_gone_back_to,
                the_files_rolled_back_from_are_published_again_unless_held,
                a_release_that_is_not_kept_is_rejected,
                other_names_keep_the_release,
                other_rules_are_published,
                other_files_take_their_names_along,
                nothing_can_be_changed_that_is_not_there,
                sites_do_not_touch_each_other,
                addresses_begin_with_the_primary_name,
                the_change_brake_holds,
            );
            contract!(@module $fixture, ownership:
                what_is_foreign_is_left_alone,
                what_is_unmarked_is_left_alone,
                what_is_unmarked_is_adopted_when_allowed,
                what_is_unmarked_is_never_removed,
                a_name_of_another_site_is_withheld,
                a_name_is_free_after_its_site_was_removed,
                a_name_is_free_after_its_site_gave_it_up,
                names_can_be_swapped_within_a_site,
            );
            contract!(@module $fixture, removal:
                removing_leaves_nothing,
                removing_twice_is_removing_once,
                removing_what_never_was_is_fine,
                what_is_protected_is_not_removed,
                what_is_paused_is_left_alone,
                a_removed_site_can_come_back,
            );
        }
    };
    (@module $fixture:ty, $module:ident: $($test:ident,)*) => {
        $(
            #[test]
            fn $test() {
                use crate::fixtures::Fixture as _;
                crate::common::block_on(crate::$module::$test(&<$fixture>::new()));
            }
        )*
    };
}

contract!(memory: crate::fixtures::Memory);
contract!(local_static: crate::fixtures::LocalStatic);
contract!(cloudflare_pages: crate::fixtures::CloudflarePages);
