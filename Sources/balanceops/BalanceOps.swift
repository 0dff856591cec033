import BalanceCommands

@main
struct BalanceOps {
    static func main() async { await Launcher.main() }
}
