/// An index by which runs are found and sorted by the latest value of a metric.
enum Schema003 {
    static func create(_ connection: any SQLConnection) throws {
        try connection.execute("CREATE INDEX latest_metric_value ON latest_metric (key, is_nan, value, run_id)")
    }
}
