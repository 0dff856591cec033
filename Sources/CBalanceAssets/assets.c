#include "CBalanceAssets.h"

static const unsigned char app_css[] = {
#embed "files/app.css"
};
static const unsigned char app_js[] = {
#embed "files/app.js"
};
static const unsigned char chart_js[] = {
#embed "files/chart.js"
};
static const unsigned char logo_svg[] = {
#embed "files/logo.svg"
};
static const unsigned char head_mustache[] = {
#embed "files/templates/head.mustache"
};
static const unsigned char foot_mustache[] = {
#embed "files/templates/foot.mustache"
};
static const unsigned char runs_mustache[] = {
#embed "files/templates/runs.mustache"
};
static const unsigned char run_mustache[] = {
#embed "files/templates/run.mustache"
};
static const unsigned char experiments_mustache[] = {
#embed "files/templates/experiments.mustache"
};
static const unsigned char rules_mustache[] = {
#embed "files/templates/rules.mustache"
};
static const unsigned char who_mustache[] = {
#embed "files/templates/who.mustache"
};
static const unsigned char models_mustache[] = {
#embed "files/templates/models.mustache"
};
static const unsigned char model_mustache[] = {
#embed "files/templates/model.mustache"
};
static const unsigned char version_mustache[] = {
#embed "files/templates/version.mustache"
};
static const unsigned char rollback_mustache[] = {
#embed "files/templates/rollback.mustache"
};
static const unsigned char policy_mustache[] = {
#embed "files/templates/policy.mustache"
};
static const unsigned char audit_mustache[] = {
#embed "files/templates/audit.mustache"
};
static const unsigned char auditline_mustache[] = {
#embed "files/templates/auditline.mustache"
};
static const unsigned char csrf_mustache[] = {
#embed "files/templates/csrf.mustache"
};
static const unsigned char signin_mustache[] = {
#embed "files/templates/signin.mustache"
};
static const unsigned char setup_mustache[] = {
#embed "files/templates/setup.mustache"
};
static const unsigned char account_mustache[] = {
#embed "files/templates/account.mustache"
};
static const unsigned char users_mustache[] = {
#embed "files/templates/users.mustache"
};
static const unsigned char error_mustache[] = {
#embed "files/templates/error.mustache"
};
static const unsigned char curves_js[] = {
#embed "files/curves.js"
};
static const unsigned char plots_js[] = {
#embed "files/plots.js"
};
static const unsigned char charts_css[] = {
#embed "files/charts.css"
};
static const unsigned char plots_css[] = {
#embed "files/plots.css"
};
static const unsigned char workspace_mustache[] = {
#embed "files/templates/workspace.mustache"
};
static const unsigned char compare_mustache[] = {
#embed "files/templates/compare.mustache"
};
static const unsigned char curve_js[] = {
#embed "files/curve.js"
};
static const unsigned char figure_js[] = {
#embed "files/figure.js"
};
static const unsigned char lines_js[] = {
#embed "files/lines.js"
};
static const unsigned char parallel_js[] = {
#embed "files/parallel.js"
};
static const unsigned char picture_js[] = {
#embed "files/picture.js"
};
static const unsigned char scatter_js[] = {
#embed "files/scatter.js"
};
static const unsigned char table_js[] = {
#embed "files/table.js"
};
static const unsigned char live_js[] = {
#embed "files/live.js"
};
static const unsigned char try_mustache[] = {
#embed "files/templates/try.mustache"
};

#define ASSET(path, bytes) {path, bytes, sizeof(bytes)}

const balance_asset *balance_assets(void) {
    static const balance_asset assets[] = {
        ASSET("app.css", app_css),
        ASSET("app.js", app_js),
        ASSET("chart.js", chart_js),
        ASSET("logo.svg", logo_svg),
        ASSET("templates/head.mustache", head_mustache),
        ASSET("templates/foot.mustache", foot_mustache),
        ASSET("templates/runs.mustache", runs_mustache),
        ASSET("templates/run.mustache", run_mustache),
        ASSET("templates/experiments.mustache", experiments_mustache),
        ASSET("templates/rules.mustache", rules_mustache),
        ASSET("templates/who.mustache", who_mustache),
        ASSET("templates/models.mustache", models_mustache),
        ASSET("templates/model.mustache", model_mustache),
        ASSET("templates/version.mustache", version_mustache),
        ASSET("templates/rollback.mustache", rollback_mustache),
        ASSET("templates/policy.mustache", policy_mustache),
        ASSET("templates/audit.mustache", audit_mustache),
        ASSET("templates/auditline.mustache", auditline_mustache),
        ASSET("templates/csrf.mustache", csrf_mustache),
        ASSET("templates/signin.mustache", signin_mustache),
        ASSET("templates/setup.mustache", setup_mustache),
        ASSET("templates/account.mustache", account_mustache),
        ASSET("templates/users.mustache", users_mustache),
        ASSET("templates/error.mustache", error_mustache),
        ASSET("curves.js", curves_js),
        ASSET("plots.js", plots_js),
        ASSET("charts.css", charts_css),
        ASSET("plots.css", plots_css),
        ASSET("templates/workspace.mustache", workspace_mustache),
        ASSET("templates/compare.mustache", compare_mustache),
        ASSET("curve.js", curve_js),
        ASSET("figure.js", figure_js),
        ASSET("lines.js", lines_js),
        ASSET("parallel.js", parallel_js),
        ASSET("picture.js", picture_js),
        ASSET("scatter.js", scatter_js),
        ASSET("table.js", table_js),
        ASSET("live.js", live_js),
        ASSET("templates/try.mustache", try_mustache),
        {0},
    };
    return assets;
}
