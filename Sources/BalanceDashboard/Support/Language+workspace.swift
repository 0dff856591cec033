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
        "overview": "Overview", "user": "User", "duration": "Duration", "datasets": "Data sets", "context": "Context",
        "digest": "Digest", "logged_models": "Logged models", "registered_as": "Registered as", "edit": "Edit",
        "save": "Save",
        "add": "Add", "copy": "Copy", "rename": "Rename", "home": "Home", "source": "Source", "remove": "Remove",
        "preview": "Preview", "shown_part": "Shown", "reproduce": "Load in Python", "last_value": "Last",
        "no_preview": "There is no preview for this kind of file.", "open_tab": "Open in a tab",
        "back_to_run": "Back to the run",
        "needs_somebody": "Needs somebody", "running_runs": "Running", "failed_runs": "Failed recently",
        "held_versions": "Held",
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
        "overview": "개요", "user": "사용자", "duration": "소요 시간", "datasets": "데이터셋", "context": "용도",
        "digest": "다이제스트", "logged_models": "기록된 모델", "registered_as": "등록 이름", "edit": "편집", "save": "저장",
        "add": "추가", "copy": "복사", "rename": "이름 변경", "home": "홈", "source": "소스", "remove": "제거",
        "preview": "미리보기", "shown_part": "표시", "reproduce": "Python에서 불러오기", "last_value": "마지막 값",
        "no_preview": "이 종류의 파일은 미리보기가 없습니다.", "open_tab": "새 탭에서 열기", "back_to_run": "실행으로 돌아가기",
        "needs_somebody": "확인이 필요합니다", "running_runs": "실행 중", "failed_runs": "최근 실패", "held_versions": "보류",
    ]
}
