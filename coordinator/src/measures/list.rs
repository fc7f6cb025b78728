//! Every number of a coordinator, with what it means.

use heim_runtime::measure::{Kind, Measure};

/// From a pick-up that nobody notices to a backlog of a day.
const WAITS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0];

const fn counts(name: &'static str, meaning: &'static str) -> Measure {
    Measure { name, kind: Kind::Counter, meaning }
}

const fn is(name: &'static str, meaning: &'static str) -> Measure {
    Measure { name, kind: Kind::Gauge, meaning }
}

/// All of it.
pub const MEASURES: &[Measure] = &[
    is("heim_coordinator_info", "1, with the version of this coordinator."),
    is("heim_jobs", "Jobs in the database that wait or are held; 100000 stands for as many or more."),
    is("heim_jobs_oldest_age_seconds", "How long the job has waited that could have been claimed first."),
    counts("heim_jobs_arrived_total", "Jobs that uploads have made."),
    counts("heim_jobs_ended_total", "Jobs that are done, or have failed for a reason."),
    Measure {
        name: "heim_job_wait_seconds",
        kind: Kind::Histogram(WAITS),
        meaning: "How long a job waited from when it could be claimed until it was.",
    },
    counts("heim_job_verdicts_total", "How attempts ended, by the worker's word or by a lease that ran out."),
    counts("heim_job_leases_lost_total", "Jobs whose worker fell silent."),
    counts("heim_jobs_redispatched_total", "Jobs that the queue lost and that were told it again."),
    is("heim_queue_waiting", "Job ids that wait in the queue."),
    is("heim_queue_evicts", "1 while Redis would drop what waits in it."),
    is("heim_lane_paused", "1 while an operator has paused the lane."),
    is("heim_dispatch_failing", "1 while jobs cannot be dispatched."),
    is("heim_part_failing", "1 while the part does not do its work."),
    counts("heim_requests_failed_total", "Requests that failed and not by the client's fault."),
    counts("heim_uploads_total", "Uploads, by how they ended."),
    counts("heim_upload_bytes_total", "Bytes that uploads brought."),
    counts("heim_downloads_total", "Downloads, by how they were answered."),
    counts("heim_download_bytes_total", "Bytes that downloads took."),
    is("heim_sockets", "Sockets that are open."),
    is("heim_rooms", "Rooms in which somebody is connected to this coordinator."),
    counts("heim_sockets_opened_total", "Sockets that were opened."),
    counts("heim_sockets_ended_total", "Sockets that were ended from this side, and why."),
    counts("heim_sweeps_total", "Sweeps, by how they ended."),
    is("heim_sweep_last_success_timestamp_seconds", "When the sweep last went well, or this start, in Unix time."),
    counts("heim_swept_total", "What sweeps have removed or mended."),
    is("heim_media_objects_unseen", "Media objects that nobody is shown."),
    counts("heim_media_objects_removed_total", "Media objects that are removed for good."),
    is("heim_store_objects", "Objects in the store that do not fit to the rows, and all of them."),
    counts("heim_store_removed_total", "Objects of nobody that were removed."),
    counts("heim_store_lost_total", "Rows that were mended because their object was missing."),
    is("heim_disk_free_bytes", "What is free on the disk of the store's folder, or of the database's file."),
    is("heim_disk_bytes", "How large that disk is."),
];
