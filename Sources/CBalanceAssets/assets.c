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
static const unsigned char error_mustache[] = {
#embed "files/templates/error.mustache"
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
        ASSET("templates/error.mustache", error_mustache),
        {0},
    };
    return assets;
}
