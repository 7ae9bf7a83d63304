//! For each rule a test in which it acts, and one in which it must not act.

use crate::citations::numbers;

use crate::sources::{Source, all};

/// The first rule that says what a host and a runner do. Those before it are about declarations and time.
const FIRST: u32 = 11;

struct Row {
    rule: u32,
    acts: &'static str,
    rests: &'static str,
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row {
        rule: 11,
        acts: "checks_run_from_readiness_on_and_not_during_setup_s11",
        rests: "a_setup_that_is_not_over_is_waited_for_and_neither_checked_nor_sent_a_request_s11_s35c_s37b",
    },
    Row {
        rule: 12,
        acts: "ticks_have_a_fixed_rate_however_late_one_looks_s12a",
        rests: "missed_ticks_are_dropped_not_caught_up_s12d",
    },
    Row {
        rule: 13,
        acts: "a_tick_that_finds_a_check_in_flight_is_skipped_s13a",
        rests: "a_health_function_that_returns_after_all_lets_the_next_check_start_s13b",
    },
    Row {
        rule: 14,
        acts: "a_runner_whose_every_place_is_taken_by_blocking_calls_still_passes_checks_s14a_s14b",
        rests: "a_check_in_flight_is_no_request_in_flight_s14a",
    },
    Row {
        rule: 15,
        acts: "the_interval_is_the_hosts_to_set_s15",
        rests: "a_host_that_is_set_to_check_rarely_does_so_whatever_fails_s15",
    },
    Row {
        rule: 16,
        acts: "a_check_is_an_empty_post_of_the_declared_path_with_a_request_id_of_its_own_s16",
        rests: "a_failure_is_known_by_its_status_and_no_redirect_is_followed_s16_s18a",
    },
    Row {
        rule: 17,
        acts: "a_body_without_an_end_passes_and_a_half_closed_connection_is_replaced_by_another_s17_s19c",
        rests: "an_answer_that_comes_too_slowly_or_too_late_is_a_timeout_and_resets_nothing_s17_s18c_s19a_s22",
    },
    Row {
        rule: 18,
        acts: "malformed_or_oversized_http_is_malformed_s18a",
        rests: "a_runner_whose_requests_are_stalled_fails_s18a_s53b",
    },
    Row {
        rule: 19,
        acts: "a_check_that_is_never_taken_read_or_answered_is_a_timeout_s18a_s19a_s24",
        rests: "a_body_without_an_end_passes_and_a_half_closed_connection_is_replaced_by_another_s17_s19c",
    },
    Row {
        rule: 20,
        acts: "a_host_that_is_out_of_descriptors_blames_no_runner_s20a",
        rests: "lag_of_a_quarter_of_the_timeout_excuses_only_a_timeout_s20b",
    },
    Row {
        rule: 21,
        acts: "a_draining_runner_is_not_checked_and_its_check_in_flight_is_dropped_s11_s21b",
        rests: "a_result_counts_for_its_own_check_only_and_once_s21a",
    },
    Row {
        rule: 22,
        acts: "a_runner_that_fails_every_other_check_is_left_alone_s22_s24",
        rests: "an_answer_that_comes_too_slowly_or_too_late_is_a_timeout_and_resets_nothing_s17_s18c_s19a_s22",
    },
    Row {
        rule: 23,
        acts: "failures_inside_the_start_period_end_no_runner_whatever_they_are_s23",
        rests: "the_quickstart_is_replaced_when_it_loses_its_journal_and_at_once_when_it_notices_itself_s23_s24_s25",
    },
    Row {
        rule: 24,
        acts: "a_stopped_runner_is_killed_when_its_grace_period_is_over_s24_s33c",
        rests: "a_runner_that_fails_every_other_check_is_left_alone_s22_s24",
    },
    Row {
        rule: 25,
        acts: "a_hostile_answer_to_a_manual_check_ends_the_runner_at_once_s25_s33a",
        rests: "manual_only_is_checked_when_it_asks_and_replaced_at_the_second_oddity_s25",
    },
    Row {
        rule: 26,
        acts: "the_verdict_is_final_once_the_runner_is_stopping_s26",
        rests: "the_verdict_on_a_deferred_runner_is_repeated_and_a_pass_revokes_it_s26_s40d",
    },
    Row {
        rule: 27,
        acts: "what_an_endpoint_asked_before_it_failed_or_panicked_is_asked_s27c",
        rests: "zero_and_false_do_not_ask_in_any_spelling_s27b",
    },
    Row {
        rule: 28,
        acts: "a_clients_own_header_reaches_no_runner_and_causes_no_check_s28a",
        rests: "a_response_asks_for_a_check_and_the_client_does_not_see_it_s27a_s28c_s29a",
    },
    Row {
        rule: 29,
        acts: "a_streaming_response_asks_when_its_headers_arrive_s29b",
        rests: "a_client_that_left_before_the_response_has_asked_for_nothing_s29c",
    },
    Row {
        rule: 30,
        acts: "with_one_place_a_manual_check_has_the_runner_to_itself_s30",
        rests: "a_manual_check_holds_the_place_of_the_request_that_asked_and_no_other_s30",
    },
    Row {
        rule: 31,
        acts: "a_hundred_requests_that_ask_at_once_cost_at_most_two_checks_s31b_s31c",
        rests: "a_periodic_check_in_flight_cannot_answer_a_request_for_one_s31a",
    },
    Row {
        rule: 32,
        acts: "a_passed_manual_check_keeps_the_runner_and_ends_a_streak_s22_s32a",
        rests: "without_a_health_endpoint_the_header_is_removed_and_ignored_s32b",
    },
    Row {
        rule: 33,
        acts: "a_runner_that_ignores_sigterm_has_its_grace_period_and_not_more_s33c",
        rests: "a_runner_that_is_stopped_for_one_check_is_left_alone_and_loses_nothing_s22_s33a",
    },
    Row {
        rule: 34,
        acts: "a_runner_that_ends_itself_is_replaced_at_once_and_takes_only_its_own_requests_along_s34_s36c",
        rests: "noise_on_the_control_channel_and_its_end_are_no_reason_to_end_a_runner_s34_s37b",
    },
    Row {
        rule: 35,
        acts: "a_setup_that_never_ends_is_told_to_stop_and_then_killed_s35c_s36c",
        rests: "a_setup_that_is_not_over_is_waited_for_and_neither_checked_nor_sent_a_request_s11_s35c_s37b",
    },
    Row {
        rule: 36,
        acts: "a_process_that_ends_before_it_is_ready_or_as_soon_as_it_is_has_failed_to_start_s34_s35c_s36c",
        rests: "an_exit_in_the_grace_period_keeps_the_reason_of_the_termination_s36b",
    },
    Row {
        rule: 37,
        acts: "a_runner_is_pending_then_in_setup_idle_running_draining_and_terminating_s37a_s37b",
        rests: "noise_on_the_control_channel_and_its_end_are_no_reason_to_end_a_runner_s34_s37b",
    },
    Row {
        rule: 38,
        acts: "a_runner_serves_at_most_max_multiplexing_requests_at_a_time_s38a",
        rests: "requests_that_are_never_answered_hold_their_own_places_and_no_others_s14a_s38a",
    },
    Row {
        rule: 39,
        acts: "a_runner_whose_sockets_were_deleted_is_unreachable_and_its_requests_go_elsewhere_s36c_s39e_s119c",
        rests: "a_request_that_is_lost_is_answered_by_the_host_and_ends_no_runner_s34_s39c",
    },
    Row {
        rule: 40,
        acts: "a_dependency_that_all_share_ends_a_third_of_them_and_no_request_is_lost_s40a_s40d",
        rests: "manual_failures_are_never_deferred_s25_s40e",
    },
    Row {
        rule: 41,
        acts: "a_host_that_stops_waits_no_longer_than_its_timeouts_s33d_s41d",
        rests: "a_host_that_stops_refuses_waiting_requests_finishes_those_in_flight_and_starts_nothing_s41a_s41b_s41c_s42b",
    },
    Row {
        rule: 42,
        acts: "a_call_that_outlives_the_limit_is_named_and_teardown_is_skipped_s42c",
        rests: "handle_exit_is_called_at_once_and_once_and_teardown_when_the_last_call_has_ended_s42a_s42b",
    },
    Row {
        rule: 43,
        acts: "a_stalled_upload_is_answered_408_and_its_runner_is_not_suspected_s43b_s28_s85e",
        rests: "an_upload_that_is_slow_but_above_the_least_rate_is_not_cut_s43a",
    },
    Row {
        rule: 44,
        acts: "a_runner_that_never_passes_a_check_gets_no_request_s44b_s44c",
        rests: "with_admit_ready_a_runner_serves_before_its_first_pass_s44d",
    },
    Row {
        rule: 45,
        acts: "a_request_with_another_coding_than_chunked_is_refused_s45a",
        rests: "the_connection_header_removes_no_field_of_the_message_s45b",
    },
    Row {
        rule: 46,
        acts: "a_request_for_a_web_pages_host_is_refused_s46b",
        rests: "silent_connections_do_not_keep_others_out_s46a",
    },
    Row {
        rule: 47,
        acts: "a_replacement_has_the_index_of_the_runner_that_it_replaces_s47a_s47b",
        rests: "a_process_that_no_host_has_started_has_no_index_s47b",
    },
    Row {
        rule: 48,
        acts: "a_program_whose_runners_do_not_start_exits_with_4_and_the_last_error_s48a",
        rests: "no_host_gives_up_while_a_runner_takes_requests_or_may_still_start_s48a",
    },
    Row {
        rule: 49,
        acts: "a_server_that_listens_elsewhere_is_named_with_its_address_and_the_expected_one_s49c",
        rests: "a_listener_of_another_process_is_not_the_runner_s49b_s49c",
    },
    Row {
        rule: 50,
        acts: "a_request_over_tls_reaches_its_runner_with_the_scheme_https_s50a",
        rests: "a_bad_file_keeps_the_certificate_and_its_error_says_what_is_wrong_s50b",
    },
    Row {
        rule: 51,
        acts: "a_client_that_resets_its_requests_rapidly_loses_its_connection_s51d",
        rests: "a_client_that_resets_a_few_requests_keeps_its_connection_s51d",
    },
    Row {
        rule: 52,
        acts: "a_version_that_exits_at_its_first_request_replaces_no_runner_s52a_s52b",
        rests: "a_version_that_stays_healthy_replaces_every_runner_and_loses_no_request_s52a_s52c",
    },
    Row {
        rule: 53,
        acts: "a_runner_whose_every_request_is_stuck_is_replaced_although_it_passes_its_checks_s53a",
        rests: "a_host_that_only_notes_stalls_keeps_a_stalled_runner_s17_s53b",
    },
    Row {
        rule: 54,
        acts: "a_runner_that_leaks_memory_is_replaced_and_loses_no_request_s54a_s54c",
        rests: "runners_that_use_less_memory_than_their_limit_are_left_alone_s54a",
    },
    Row {
        rule: 55,
        acts: "after_a_counted_failure_the_next_checks_follow_at_the_confirm_interval_s55a",
        rests: "a_pass_returns_to_the_ticks_s55b",
    },
    Row {
        rule: 56,
        acts: "slow_uploads_hold_no_permit_and_each_is_served_when_it_is_complete_s56a",
        rests: "a_chunked_body_may_be_a_stream_and_takes_a_permit_at_once_s56b",
    },
    Row {
        rule: 58,
        acts: "a_runner_that_asks_is_drained_and_its_successor_starts_at_once_without_a_check_s58a_s58b",
        rests: "a_client_cannot_ask_and_neither_can_the_health_endpoint_s58a",
    },
    Row {
        rule: 59,
        acts: "two_hundred_crashes_lose_no_idempotent_request_s59a",
        rests: "no_other_request_is_sent_again_nor_one_whose_response_has_begun_s39a_s59c",
    },
    Row {
        rule: 60,
        acts: "an_exclusive_successor_waits_for_a_process_that_survives_sigkill_however_long_s60b",
        rests: "hosts_of_one_process_do_not_end_each_others_processes_s60d",
    },
    Row {
        rule: 61,
        acts: "a_runner_is_checked_while_another_one_starts_s61a",
        rests: "one_thread_makes_all_launches_and_its_end_is_waited_for_s61a_s61c",
    },
    Row {
        rule: 66,
        acts: "no_request_is_lost_in_rollouts_of_run_s66a_s66b_s66c",
        rests: "a_host_in_which_nothing_is_in_flight_stops_at_once_s41d_s66c",
    },
    Row {
        rule: 67,
        acts: "a_lame_duck_is_not_ready_serves_new_connections_and_ends_at_a_second_signal_s66a_s67b",
        rests: "probes_answer_three_pages_of_any_host_and_nothing_else_s67a",
    },
    Row {
        rule: 68,
        acts: "a_bare_runner_that_fails_the_check_it_asked_for_stops_with_6_s68a_s68b",
        rests: "a_bare_runner_that_is_set_to_ignore_makes_no_check_s68a_s68b",
    },
    Row {
        rule: 69,
        acts: "a_host_reports_readiness_progress_status_reloads_and_its_stop_s69a",
        rests: "a_host_without_a_service_manager_listens_on_its_own_addresses_s69a_s69b",
    },
    Row {
        rule: 70,
        acts: "a_connection_that_has_switched_protocols_keeps_the_permit_of_its_call_s70a",
        rests: "a_runner_that_stops_does_not_skip_teardown_for_a_connection_that_has_switched_protocols_s70b",
    },
    Row {
        rule: 71,
        acts: "a_replaced_link_in_the_path_of_the_program_is_followed_at_the_next_launch_s71b",
        rests: "a_directory_that_is_missing_is_named_in_the_error_and_used_once_it_is_there_s71a",
    },
    Row {
        rule: 75,
        acts: "a_spare_takes_the_place_of_a_crashed_runner_before_its_replacement_has_started_s75a_s75b",
        rests: "a_spare_gets_no_request_while_the_runners_serve_s75a_s75b",
    },
    Row {
        rule: 76,
        acts: "a_host_is_scaled_up_and_down_and_loses_no_request_s76a_s76b",
        rests: "one_runner_always_stays_s76b",
    },
    Row {
        rule: 77,
        acts: "a_runner_that_speaks_another_protocol_is_not_ready_and_must_end_s77b",
        rests: "a_runner_that_speaks_the_same_protocol_or_names_no_version_is_ready_s77b",
    },
    Row {
        rule: 78,
        acts: "a_browser_gets_one_page_of_all_endpoints_s78a_s78b",
        rests: "without_the_setting_there_is_no_page_of_the_endpoints_s78a",
    },
    Row {
        rule: 82,
        acts: "requests_are_counted_by_endpoint_method_and_status_s82a_s82b",
        rests: "no_request_adds_a_value_to_a_label_s82b",
    },
    Row {
        rule: 83,
        acts: "the_access_log_has_a_line_for_each_request_with_its_fields_s83a_s83b_s83c",
        rests: "a_host_without_an_access_log_writes_no_line_for_a_request_s83b",
    },
    Row {
        rule: 84,
        acts: "the_first_refusal_is_a_warning_that_names_its_cause_and_the_second_one_is_none_s84a",
        rests: "each_limit_is_told_for_itself_and_other_errors_are_not_s84b",
    },
    Row {
        rule: 85,
        acts: "every_reason_is_explained_with_its_rule_s36c_s85d",
        rests: "a_runner_that_another_process_kills_is_not_said_to_be_out_of_memory_s85c",
    },
    Row {
        rule: 86,
        acts: "events_are_numbered_resumable_and_filterable_s86a",
        rests: "more_clients_than_may_follow_the_events_are_refused_s86a",
    },
    Row {
        rule: 87,
        acts: "an_operator_drains_replaces_stops_and_kills_runners_by_subcommands_s87a_s87d",
        rests: "an_order_that_can_have_no_effect_is_refused_with_the_cause_s87a",
    },
    Row {
        rule: 88,
        acts: "without_a_token_no_request_over_tcp_changes_anything_s88b",
        rests: "with_the_token_tcp_takes_orders_s88b",
    },
    Row {
        rule: 89,
        acts: "the_page_is_one_file_that_asks_only_its_own_host_s89a",
        rests: "what_a_runner_prints_is_shown_as_text_s89a",
    },
    Row {
        rule: 90,
        acts: "a_new_host_takes_over_the_sockets_and_the_old_one_serves_what_it_has_s90a_s91a_s92b_s93b_s94a",
        rests: "runners_that_may_not_overlap_are_not_upgraded_s90c",
    },
    Row {
        rule: 91,
        acts: "a_new_host_waits_without_serving_and_stops_if_the_old_one_is_killed_s91a_s91b",
        rests: "a_new_host_takes_over_the_sockets_and_the_old_one_serves_what_it_has_s90a_s91a_s92b_s93b_s94a",
    },
    Row {
        rule: 92,
        acts: "a_host_upgrades_again_while_the_one_before_it_still_has_clients_s92b",
        rests: "an_upgrade_that_fails_leaves_the_old_host_as_it_was_s92a_s93a_s116c",
    },
    Row {
        rule: 93,
        acts: "an_upgrade_that_fails_leaves_the_old_host_as_it_was_s92a_s93a_s116c",
        rests: "the_new_host_runs_the_program_that_the_path_leads_to_now_with_the_same_arguments_s90a_s90b_s93a",
    },
    Row {
        rule: 94,
        acts: "a_new_host_becomes_the_main_process_of_the_service_s94b",
        rests: "the_file_goes_with_the_host_unless_another_host_has_written_it_s94a",
    },
    Row {
        rule: 95,
        acts: "flattened_numbers_lists_and_booleans_of_a_query_are_read_by_their_types_s95",
        rests: "a_text_that_looks_like_a_number_stays_a_text_s95",
    },
    Row {
        rule: 96,
        acts: "a_float_without_a_fraction_is_an_integer_as_far_as_its_type_reaches_s96",
        rests: "a_whole_float_is_an_integer_and_no_other_is_s96",
    },
    Row {
        rule: 97,
        acts: "a_literal_path_comes_before_a_parameter_however_it_is_encoded_s97",
        rests: "an_encoded_reserved_character_stays_a_part_of_its_segment_s97",
    },
    Row {
        rule: 98,
        acts: "every_error_of_a_body_has_an_entry_s98",
        rests: "a_body_with_one_error_has_one_entry_s98",
    },
    Row {
        rule: 99,
        acts: "form_data_that_is_malformed_or_too_large_is_the_clients_error_s99",
        rests: "form_data_is_read_part_by_part_s99",
    },
    Row {
        rule: 100,
        acts: "a_body_of_tiny_chunks_is_read_in_many_turns_s100",
        rests: "a_few_parts_that_came_together_are_read_in_one_turn_s100",
    },
    Row {
        rule: 101,
        acts: "without_a_thread_the_error_names_the_limits_s101a",
        rests: "threads_that_were_tried_out_have_ended_s101a",
    },
    Row {
        rule: 105,
        acts: "each_thread_keeps_a_connection_of_its_own_where_the_runner_has_room_s105b",
        rests: "a_runner_gets_no_second_connection_for_the_client_of_another_thread_s105b",
    },
    Row {
        rule: 110,
        acts: "a_get_endpoint_sends_the_part_of_a_file_that_is_asked_for_s110",
        rests: "only_a_get_of_a_file_with_status_200_has_conditions_s110",
    },
    Row {
        rule: 111,
        acts: "a_host_refuses_variables_that_it_cannot_use_s111b",
        rests: "without_a_collector_in_the_environment_there_are_no_spans_s111a",
    },
    Row {
        rule: 112,
        acts: "a_request_is_one_tree_of_spans_from_its_client_to_the_code_of_its_endpoint_s111a_s112a_s112b_s112c",
        rests: "the_trace_of_a_request_reaches_the_runner_as_it_is_without_spans_s83c_s112c",
    },
    Row {
        rule: 113,
        acts: "a_trace_that_its_client_does_not_sample_has_no_spans_and_passes_as_it_is_s113a",
        rests: "the_host_decides_about_traces_that_begin_with_it_and_its_runner_follows_s113b",
    },
    Row {
        rule: 114,
        acts: "without_its_collector_a_host_serves_and_counts_the_spans_that_are_lost_s114a_s114b_s114c_s114d",
        rests: "a_host_and_its_runners_send_their_last_spans_when_they_stop_s114c",
    },
    Row {
        rule: 115,
        acts: "a_value_keeps_all_digits_s115",
        rests: "other_types_read_numbers_as_without_the_feature_s115",
    },
    Row {
        rule: 116,
        acts: "a_host_whose_permits_are_all_held_says_so_before_it_refuses_a_request_s116b",
        rests: "a_runner_that_only_serves_has_no_note_s116a_s116b",
    },
    Row {
        rule: 117,
        acts: "a_host_whose_log_has_no_room_says_so_and_counts_the_lines_s117a_s117b",
        rests: "lines_that_are_written_in_order_are_not_counted_as_lost_s117",
    },
    Row {
        rule: 118,
        acts: "the_beginning_and_the_end_of_a_pause_are_published_once_s118",
        rests: "a_host_that_is_not_paused_publishes_no_end_of_a_pause_s118",
    },
    Row {
        rule: 119,
        acts: "a_failed_upgrade_or_restart_has_the_last_check_of_the_new_runner_s52c_s93a_s119a",
        rests: "a_check_that_has_passed_is_no_cause_s119a",
    },
];

/// Whether a name cites this rule, or a part of it.
fn cites(test: &str, rule: u32) -> bool {
    let number = format!("s{rule}");
    let is_part = |rest: &str| matches!(rest.as_bytes(), [] | [b'a'..=b'z']);
    test.split('_').filter_map(|word| word.strip_prefix(&number)).any(is_part)
}

/// Whether a file has a test of this name.
fn declares(source: &Source, test: &str) -> bool {
    source.text.match_indices(&format!("fn {test}(")).any(|(at, _)| {
        let before = source.text[..at].trim_end().trim_end_matches("async").trim_end();
        before.ends_with(']') && before.rsplit("#[").next().is_some_and(|it| it.contains("test"))
    })
}

#[test]
fn every_rule_has_a_scenario_in_which_it_acts_and_one_in_which_it_does_not() {
    let sources = all(&[".rs"]);
    let rules: Vec<_> = numbers().into_iter().filter(|rule| *rule >= FIRST).collect();
    assert_eq!(TABLE.iter().map(|row| row.rule).collect::<Vec<_>>(), rules);
    for Row { rule, acts, rests } in TABLE {
        for test in [acts, rests] {
            assert!(cites(test, *rule), "S{rule}: {test} does not cite it");
            assert!(sources.iter().any(|source| declares(source, test)), "S{rule}: there is no test {test}");
        }
        assert!(acts != rests, "S{rule}: one test cannot be both");
    }
}
