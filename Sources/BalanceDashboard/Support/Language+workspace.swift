extension Language {
    static let englishWorkspace = [
        "runs": "Runs", "columns": "Columns", "tags": "Tags", "tag": "Tag", "compare_runs": "Compare",
        "select": "Select",
        "selected_runs": "selected", "undo": "Undo", "runs_deleted": "Deleted runs", "runs_restored": "Restored runs",
        "runs_tagged": "Tagged runs", "search_runs_hint": "Name, ID, note, kind, branch or commit",
        "column_status": "Status", "column_created": "Created", "column_duration": "Duration", "column_user": "User",
        "column_experiment": "Experiment", "column_kind": "Source type", "column_branch": "Branch",
        "column_note": "Note",
        "status_RUNNING": "running", "status_FINISHED": "finished", "status_FAILED": "failed",
        "status_KILLED": "stopped",
        "status_SCHEDULED": "scheduled", "compare_hint": "Select two runs or more in the table of runs.",
        "differences_only": "Differences only", "all_values": "Show equal values too", "base_run": "base",
        "as_base": "as base",
        "equal_rows": "Equal, not shown", "curves": "Curves", "plots": "Params and metrics",
        "needs_script":
            "These charts need JavaScript; the tables above have the values.",
        "overview": "Overview", "user": "User", "duration": "Duration", "datasets": "Data sets",
        "digest": "Digest", "registered_as": "Registered as", "edit": "Edit",
        "save": "Save",
        "add": "Add", "copy": "Copy", "rename": "Rename", "home": "Home", "source": "Source", "remove": "Remove",
        "preview": "Preview", "shown_part": "Shown", "reproduce": "Load in Python", "last_value": "Last",
        "open_tab": "Open in a tab",
        "try_it": "Try it", "send": "Send", "answer": "Answer",
        "features": "features",
        "no_answer_yet": "Fill in a row and send it: the current version answers.", "live": "● live",
        "stale_since": "no answer since", "new_runs": "New runs", "running_runs": "Running",
        "failed_runs": "Failed recently",

    ]

    static let koreanWorkspace = [
        "runs": "실행", "columns": "열", "tags": "태그", "tag": "태그", "compare_runs": "비교", "select": "선택",
        "selected_runs": "개 선택됨", "undo": "되돌리기", "runs_deleted": "삭제한 실행", "runs_restored": "복원한 실행",
        "runs_tagged": "태그를 단 실행", "search_runs_hint": "이름, ID, 메모, 종류, 브랜치 또는 커밋",
        "column_status": "상태", "column_created": "생성 시각", "column_duration": "소요 시간", "column_user": "사용자",
        "column_experiment": "실험", "column_kind": "소스 종류", "column_branch": "브랜치", "column_note": "메모",
        "status_RUNNING": "실행 중", "status_FINISHED": "완료", "status_FAILED": "실패", "status_KILLED": "중단됨",
        "status_SCHEDULED": "예약됨", "compare_hint": "실행 표에서 두 개 이상을 선택하세요.",
        "differences_only": "차이만 보기", "all_values": "같은 값도 보기", "base_run": "기준", "as_base": "기준으로",
        "equal_rows": "값이 같아 숨김", "curves": "곡선", "plots": "파라미터와 지표",
        "needs_script":
            "이 차트에는 JavaScript가 필요합니다. 값은 위의 표에 있습니다.",
        "overview": "개요", "user": "사용자", "duration": "소요 시간", "datasets": "데이터셋",
        "digest": "다이제스트", "registered_as": "등록 이름", "edit": "편집", "save": "저장",
        "add": "추가", "copy": "복사", "rename": "이름 변경", "home": "홈", "source": "소스", "remove": "제거",
        "preview": "미리보기", "shown_part": "표시", "reproduce": "Python에서 불러오기", "last_value": "마지막 값",
        "open_tab": "새 탭에서 열기",
        "try_it": "예측해 보기", "send": "보내기", "answer": "응답", "features": "개 피처",
        "no_answer_yet": "한 행을 채워 보내면 현재 버전이 응답합니다.", "live": "● 실시간", "stale_since": "응답 없음:", "new_runs": "새 실행",
        "running_runs": "실행 중", "failed_runs": "최근 실패",
    ]
}
